/* Mini-batch steps, compiled for each instruction set; the including file defines NAME(x).
 *
 * The same bits as the NumPy oracle, whatever the instruction set: sums run in eight lanes and row
 * after row, and -ffp-contract=off keeps products and sums apart.
 */

/* z = (x − shift)·scale of one row, the intercept and zeros behind; return Σ z·theta */
static inline __attribute__((always_inline)) double
NAME(row)(const job *j, ptrdiff_t number, const double *theta, double *z)
{
    const char *at = j->x.data + number * j->x.stride;
    const double *x = (const double *)at, *shift = j->shift, *scale = j->scale;
    int p = j->predictors, whole = p / LANES * LANES;
    NAME(vec) low = {0}, high = {0}; /* lanes 0 to 3 and 4 to 7 */
    if (j->x.single) {
        for (int k = 0; k < p; k++) z[k] = ((const float *)at)[k];
        x = z;
    }
    for (int k = 0; k < whole; k += LANES) {
        NAME(vec) a = (LOAD(x + k) - LOAD(shift + k)) * LOAD(scale + k);
        NAME(vec) b = (LOAD(x + k + 4) - LOAD(shift + k + 4)) * LOAD(scale + k + 4);
        STORE(z + k, a);
        STORE(z + k + 4, b);
        low += a * LOAD(theta + k);
        high += b * LOAD(theta + k + 4);
    }
    double rest[LANES] = {0};
    for (int k = whole; k < p; k++) rest[k - whole] = x[k];
    rest[p - whole] = j->one;
    NAME(vec) a = (LOAD(rest) - LOAD(shift + whole)) * LOAD(scale + whole);
    NAME(vec) b = (LOAD(rest + 4) - LOAD(shift + whole + 4)) * LOAD(scale + whole + 4);
    STORE(z + whole, a);
    STORE(z + whole + 4, b);
    low += a * LOAD(theta + whole);
    high += b * LOAD(theta + whole + 4);
    low += high;
    return (low[0] + low[2]) + (low[1] + low[3]);
}

static void NAME(move)(const job *j, double *state, const double *g, double rate)
{
    int P = j->width;
    double *theta = state, *first = state + P, *second = first + P, *counters = second + 2 * P;
    double a = j->first, b = j->second, epsilon = j->epsilon, rest = 1.0 - b, fresh = 1.0 - a;
    switch (j->rule) {
    case 0:
        for (int k = 0; k < P; k++) theta[k] -= rate * g[k];
        break;
    case 1:
        for (int k = 0; k < P; k++) {
            first[k] = a * first[k] + g[k];
            theta[k] -= rate * first[k];
        }
        break;
    case 2:
        for (int k = 0; k < P; k++) {
            first[k] = a * first[k] + g[k];
            theta[k] -= rate * (g[k] + a * first[k]);
        }
        break;
    case 3:
        for (int k = 0; k < P; k++) {
            second[k] += g[k] * g[k];
            theta[k] -= rate * g[k] / (sqrt(second[k]) + epsilon);
        }
        break;
    case 4:
        for (int k = 0; k < P; k++) {
            second[k] = b * second[k] + rest * (g[k] * g[k]);
            theta[k] -= rate * g[k] / (sqrt(second[k]) + epsilon);
        }
        break;
    default: {
        counters[2] *= a;
        counters[3] *= b;
        double step = rate / (1.0 - counters[2]), root = sqrt(1.0 - counters[3]);
        for (int k = 0; k < P; k++) {
            first[k] = a * first[k] + fresh * g[k];
            second[k] = b * second[k] + rest * (g[k] * g[k]);
            theta[k] -= step * first[k] / (sqrt(second[k]) / root + epsilon);
        }
    }
    }
}

/* Steps taken: all, or fewer where the error of a batch is above the limit or not finite */
static ptrdiff_t NAME(advance)(const job *j, double *state, double *scratch)
{
    int P = j->width;
    double *theta = state, *sum = state + 3 * P, *counters = state + 4 * P;
    double *z = scratch, *g = scratch + P;
    for (ptrdiff_t step = 0; step < j->steps; step++) {
        ptrdiff_t from = step * j->batch, to = from + j->batch;
        if (to > j->count) to = j->count;
        double size = (double)(to - from), loss = 0.0;
        memset(g, 0, sizeof(double) * P);
        for (ptrdiff_t i = from; i < to; i++) {
            if (i + j->ahead < j->count) {
                ptrdiff_t soon = j->order[i + j->ahead];
                const char *next = j->x.data + soon * j->x.stride;
                for (ptrdiff_t b = 0; b < j->bytes; b += 64) __builtin_prefetch(next + b);
                __builtin_prefetch(next + j->bytes - 1);
                __builtin_prefetch(j->y.data + soon * j->y.stride);
                if (j->w.data) __builtin_prefetch(j->w.data + soon * j->w.stride);
            }
            ptrdiff_t number = j->order[i];
            double target = (value(&j->y, number) - j->shift[P]) * j->scale[P];
            double residual = NAME(row)(j, number, theta, z) - target;
            double pull = j->w.data ? value(&j->w, number) * residual : residual;
            loss += pull * residual;
            NAME(vec) r = (NAME(vec)){0} + pull;
            for (int k = 0; k < P; k += 4) STORE(g + k, LOAD(g + k) + r * LOAD(z + k));
        }
        if (!(loss / size <= j->limit)) return step;
        double factor = 2.0 / size;
        for (int k = 0; k < P; k++) g[k] = g[k] * factor + j->pull[k] * theta[k];
        NAME(move)(j, state, g, j->rates[step]);
        counters[0] += 1.0;
        if (counters[0] >= j->average_from) {
            for (int k = 0; k < P; k++) sum[k] += theta[k];
            counters[1] += 1.0;
        }
    }
    return j->steps;
}
