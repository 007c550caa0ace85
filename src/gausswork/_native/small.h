/* The whole fit of a small regular table in one call.
 *
 * This is what leastsquares/solve.py does when nothing is out of the ordinary, function by
 * function and under the same names: the Python modules say why each formula holds, and their
 * constants come in as an argument. Anything else (a column that repeats others, a perfect fit,
 * a coefficient that is zero, NaN, digits that are not reached, …) is left to them: small_fit()
 * then returns 0 and what it has written means nothing.
 */

#define SMALL_PREDICTORS 64

typedef struct { /* in the order of leastsquares/small.py */
    double sample_rows, least_exponent, most_exponent;                     /* moments */
    double gram_error[3];                                                  /* compiled */
    double unit_roundoff, safety, resolution, rounding_noise, most_doubt;  /* system */
    double rounding, caution;                                              /* spread */
    double residual_error, most_passes, least_gain;                        /* refine */
    double full_digits;                                                    /* solution */
} bounds;

typedef struct { /* what the caller sees beside the numbers of the whole fit; q = p + 1 */
    double *exponents, *shift;                 /* (q) */
    sums moments;
    double *table;                             /* (6, q), see answer() */
    double *means, *mean_lows, *scales, *root; /* (p), (p), (p), (p, p) */
    int tier, passes;
    double target_mean, target_mean_low, residual_square, total_square, condition;
    double least_trusted, least_data;          /* digits of the worst coefficient */
} small_answer;

typedef struct { /* Refinement of refine.py */
    double *high, *low, *error; /* (p) */
    dd intercept;
    double intercept_error, residual_square, residual_square_error;
    int passes;
} refinement;

typedef struct { /* System, Factor, Reach and Spread */
    const table *t;
    ptrdiff_t n;
    int p, q, intercept;
    const bounds *k;
    const kernels *code;
    double *gram_scale, *scale;                       /* (q) before and after equilibration */
    double *second_high, *second_low;                 /* (q, q) centred */
    double *about_high, *about_low;                   /* (q) */
    double *mean_high, *mean_low;                     /* (q) */
    double *matrix_high, *matrix_low;                 /* (p, p) A */
    double *right_high, *right_low;                   /* (p) g */
    double *inflation, *raw_square, *tolerance, *size; /* (p) */
    double target_norm, target_raw_square;
    dd target_mean, target_square;
    double *triangle_high, *triangle_low;             /* (p, p) R */
    double *root, *spare, *inverse;                   /* (p, p) R⁻¹, its low words, A⁻¹ */
    double error, doubt;
    double *leaning_high, *leaning_low, *rows;        /* (p) */
    double of_mean, of_rows;
    double *inverse_error;                            /* (p) */
    double of_intercept, of_intercept_error, worst;
    double *gradient_high, *gradient_low, *change_high, *change_low; /* (p) */
    double *sums_high, *sums_low;                     /* (p + 2) */
    refinement state, further;
    unsigned char skipped[SMALL_PREDICTORS];
} small;

static double plain_dot(int p, const double *a, const double *b)
{
    double sum = 0.0;
    for (int i = 0; i < p; i++) sum += a[i] * b[i];
    return sum;
}

static double value_at(const table *t, int j, ptrdiff_t row)
{
    const char *at = t->data[j] + row * t->stride[j];
    return t->single[j] ? (double)*(const float *)at : *(const double *)at;
}

/* moments._origin: scale and mean of a strided sample; 0 if it is not finite */
static int small_origin(small *s, small_answer *out)
{
    ptrdiff_t step = s->n / (ptrdiff_t)s->k->sample_rows, count;
    if (step < 1) step = 1;
    count = (s->n + step - 1) / step;
    for (int j = 0; j < s->q; j++) {
        double low = value_at(s->t, j, 0), high = low;
        for (ptrdiff_t i = 0; i < s->n; i += step) {
            double v = value_at(s->t, j, i);
            if (!isfinite(v)) return 0;
            if (v < low) low = v;
            if (v > high) high = v;
        }
        low *= 0.5;
        high *= 0.5;
        double spread = high - low, size = spread > 0.0 ? spread : fmax(fabs(low), fabs(high));
        int exponent;
        frexp(size, &exponent);
        double e = fmin(fmax(-exponent, s->k->least_exponent), s->k->most_exponent);
        double scale = ldexp(1.0, (int)e), sum = value_at(s->t, j, 0) * scale;
        for (ptrdiff_t i = step; i < s->n; i += step) sum += value_at(s->t, j, i) * scale;
        out->exponents[j] = e;
        out->shift[j] = sum / (double)count;
        s->gram_scale[j] = scale;
    }
    return 1;
}

/* system.assemble; 0 if a predictor does not vary or the sums are not finite */
static int small_assemble(small *s, const small_answer *out)
{
    int p = s->p, q = s->q;
    double n = (double)s->n, zero[SMALL_PREDICTORS + 1] = {0.0};
    const sums *m = &out->moments;
    for (int i = 0; i < q; i++)
        if (!isfinite(m->first_high[i])) return 0;
    for (int i = 0; i < q * q; i++)
        if (!isfinite(m->second_high[i])) return 0;
    memcpy(s->second_high, m->second_high, sizeof(double) * q * q);
    memcpy(s->second_low, m->second_low, sizeof(double) * q * q);
    for (int j = 0; j < q; j++) {
        dd first = {m->first_high[j], m->first_low[j]}, shift = {out->shift[j], 0.0}, v;
        dd mean = {0.0, 0.0};
        if (s->intercept) {
            double quotient = first.h / n;
            dd rest = dd_add(first, dd_mul((dd){-n, 0.0}, (dd){quotient, 0.0}));
            v = dd_normal(quotient, rest.h / n);
            mean = dd_add(v, shift);
            v = (dd){-v.h, -v.l};
        } else {
            v = dd_add((dd){2.0 * first.h, 2.0 * first.l}, dd_mul((dd){n, 0.0}, shift));
        }
        s->about_high[j] = v.h;
        s->about_low[j] = v.l;
        s->mean_high[j] = mean.h;
        s->mean_low[j] = mean.l;
    }
    dd_symmetric_update(q, s->second_high, s->second_low, s->intercept ? m->first_high : out->shift,
                        s->intercept ? m->first_low : zero, s->about_high, s->about_low);

    double fit[SMALL_PREDICTORS + 1];
    for (int j = 0; j < q; j++) {
        double square = s->second_high[j * q + j], mean = s->mean_high[j];
        double raw = fmax(square, 0.0) + n * mean * mean;
        double size = sqrt(fmax(m->second_high[j * q + j], square)), norm = sqrt(square);
        int exponent;
        if (!(square > s->k->rounding_noise * raw)) return 0;
        if (j == p) {
            fit[j] = 1.0;
            s->target_norm = size;
            s->target_raw_square = raw;
            s->target_mean = (dd){mean, s->mean_low[j]};
            s->target_square = (dd){square, s->second_low[j * q + j]};
            s->scale[j] = s->gram_scale[j];
            break;
        }
        frexp(norm, &exponent);
        fit[j] = ldexp(1.0, -exponent);
        s->scale[j] = ldexp(fit[j], (int)out->exponents[j]);
        s->inflation[j] = size / norm;
        s->raw_square[j] = raw * fit[j] * fit[j];
        s->mean_high[j] *= fit[j];
        s->mean_low[j] *= fit[j];
    }
    for (int i = 0; i < p; i++) {
        for (int j = 0; j < p; j++) {
            s->matrix_high[i * p + j] = s->second_high[i * q + j] * (fit[i] * fit[j]);
            s->matrix_low[i * p + j] = s->second_low[i * q + j] * (fit[i] * fit[j]);
        }
        s->right_high[i] = s->second_high[i * q + p] * fit[i];
        s->right_low[i] = s->second_low[i * q + p] * fit[i];
    }
    return 1;
}

/* system.factorize; 0 if a pivot or the inverse is in doubt */
static int small_factorize(small *s)
{
    int p = s->p;
    for (int j = 0; j < p; j++) {
        s->size[j] = s->inflation[j] * s->inflation[j];
        double blur = s->k->resolution * s->error * s->size[j] * s->matrix_high[j * p + j];
        s->tolerance[j] = fmax(s->k->rounding_noise * s->raw_square[j], blur);
    }
    memcpy(s->triangle_high, s->matrix_high, sizeof(double) * p * p);
    memcpy(s->triangle_low, s->matrix_low, sizeof(double) * p * p);
    s->code->cholesky(s->triangle_high, s->triangle_low, p, s->tolerance, p, s->skipped);
    for (int j = 0; j < p; j++)
        if (s->skipped[j]) return 0;
    s->code->invert_triangle(s->triangle_high, s->triangle_low, p, s->root, s->spare);
    double doubt = 0.0;
    for (int i = 0; i < p; i++)
        for (int j = i; j < p; j++) {
            double c = plain_dot(p - j, s->root + i * p + j, s->root + j * p + j);
            s->inverse[i * p + j] = s->inverse[j * p + i] = c;
            doubt += (i == j ? 1.0 : 2.0) * s->size[i] * (c * c) * s->size[j];
        }
    s->doubt = 2.0 * s->error * sqrt(p * doubt);
    if (!(s->doubt <= s->k->most_doubt)) return 0;
    for (int j = 0; j < p; j++) {
        double noise = 0.0;
        for (int i = 0; i <= j; i++)
            noise += s->raw_square[i] * (s->root[i * p + j] * s->root[i * p + j]);
        if (!(s->k->rounding_noise * noise < 1.0)) return 0;
    }
    return 1;
}

/* system.reach and spread.from_moments */
static void small_reach(small *s)
{
    int p = s->p;
    double n = (double)s->n, pulled = 0.0, worst = 0.0;
    size_t bytes = sizeof(double) * p;
    memcpy(s->leaning_high, s->mean_high, bytes);
    memcpy(s->leaning_low, s->mean_low, bytes);
    if (s->intercept)
        dd_substitute(p, s->triangle_high, s->triangle_low, s->leaning_high, s->leaning_low);
    s->of_mean = fmax(dd_dot(p, s->leaning_high, s->leaning_low, s->mean_high, s->mean_low).h, 0.0);
    for (int i = 0; i < p; i++) {
        double row = 0.0, lean = s->leaning_high[i] * s->inflation[i];
        for (int j = 0; j < p; j++) {
            double weighted = s->inverse[i * p + j] * s->inflation[j];
            row += weighted * weighted;
        }
        pulled += lean * lean;
        s->rows[i] = sqrt(row);
        s->inverse_error[i] = s->k->caution * s->error * s->rows[i] * s->rows[i] /
                              s->inverse[i * p + i] + s->k->rounding;
        if (!(s->inverse_error[i] <= worst)) worst = s->inverse_error[i];
    }
    s->of_rows = sqrt(pulled);
    s->of_intercept = s->of_intercept_error = 0.0;
    if (s->intercept) {
        s->of_intercept = s->of_mean + 1.0 / n;
        s->of_intercept_error =
            s->k->caution * s->error * (s->of_rows * s->of_rows) / s->of_intercept + s->k->rounding;
        if (!(s->of_intercept_error <= worst)) worst = s->of_intercept_error;
    }
    s->worst = 0.5 * worst;
}

/* refine.Refinement.digits */
static double small_digits(const small *s, const refinement *of)
{
    double worst = 0.0;
    for (int i = 0; i < s->p; i++) {
        double relative = of->error[i] / fabs(of->high[i]);
        if (!(relative <= worst)) worst = relative;
    }
    if (of->intercept.h != 0.0) worst = fmax(worst, of->intercept_error / fabs(of->intercept.h));
    return worst < 1.0 ? -log10(fmax(worst, 1e-17)) : 0.0;
}

/* refine.unrefined */
static void small_unrefined(small *s)
{
    int p = s->p;
    refinement *to = &s->state;
    memcpy(to->high, s->right_high, sizeof(double) * p);
    memcpy(to->low, s->right_low, sizeof(double) * p);
    dd_substitute(p, s->triangle_high, s->triangle_low, to->high, to->low);
    double square = 0.0, about = 0.0;
    for (int i = 0; i < p; i++) {
        double inflated = s->inflation[i] * to->high[i];
        square += inflated * inflated;
        about += fabs(inflated);
    }
    double size = s->target_norm + sqrt(square), unit = s->k->safety * s->error;
    double bound = unit / (1.0 - s->doubt) * size;
    dd explained = dd_dot(p, to->high, to->low, s->right_high, s->right_low);
    for (int i = 0; i < p; i++) to->error[i] = bound * s->rows[i];
    to->intercept = (dd){0.0, 0.0};
    to->intercept_error = 0.0;
    if (s->intercept) {
        to->intercept =
            dd_sub(s->target_mean, dd_dot(p, to->high, to->low, s->mean_high, s->mean_low));
        to->intercept_error =
            bound * s->of_rows + unit * (s->target_norm + about) / sqrt((double)s->n);
    }
    to->residual_square = dd_sub(s->target_square, explained).h;
    to->residual_square_error = unit * (size * size);
    to->passes = 0;
}

/* refine._corrected; 0 if a coefficient cannot be told from zero */
static int small_corrected(small *s)
{
    int p = s->p;
    double n = (double)s->n;
    const refinement *from = &s->state;
    refinement *to = &s->further;
    dd of_ones = {s->sums_high[p], s->sums_low[p]};
    dd square = {s->sums_high[p + 1], s->sums_low[p + 1]};
    size_t bytes = sizeof(double) * p;
    memcpy(s->gradient_high, s->sums_high, bytes);
    memcpy(s->gradient_low, s->sums_low, bytes);
    if (s->intercept)
        dd_add_multiple(p, s->gradient_high, s->gradient_low, (dd){-of_ones.h, -of_ones.l},
                        s->mean_high, s->mean_low);
    memcpy(s->change_high, s->gradient_high, bytes);
    memcpy(s->change_low, s->gradient_low, bytes);
    dd_substitute(p, s->triangle_high, s->triangle_low, s->change_high, s->change_low);
    memcpy(to->high, from->high, bytes);
    memcpy(to->low, from->low, bytes);
    dd_add_multiple(p, to->high, to->low, (dd){1.0, 0.0}, s->change_high, s->change_low);
    dd residual = dd_sub(square, dd_dot(p, s->change_high, s->change_low, s->gradient_high,
                                        s->gradient_low));
    to->intercept = from->intercept;
    if (s->intercept) {
        dd per_row = dd_div(of_ones, (dd){n, 0.0});
        dd moved = dd_sub(per_row, dd_dot(p, s->change_high, s->change_low, s->mean_high,
                                          s->mean_low));
        to->intercept = dd_add(to->intercept, moved);
        residual = dd_sub(residual, dd_mul(of_ones, per_row));
    }

    double residual_norm = sqrt(fmax(square.h, 0.0)), raw_square = 0.0, moved = 0.0;
    double magnitude = sqrt(s->target_raw_square) + sqrt(n) * fabs(to->intercept.h);
    for (int i = 0; i < p; i++) {
        double inflated = s->inflation[i] * s->change_high[i];
        magnitude += fabs(to->high[i]) * sqrt(s->raw_square[i]);
        raw_square += s->raw_square[i];
        moved += inflated * inflated;
    }
    double of_residual = s->k->residual_error * magnitude;
    double of_gradient = s->k->residual_error * sqrt(raw_square) * residual_norm;
    double of_change = s->error * sqrt(moved) / (1.0 - s->doubt);
    for (int i = 0; i < p; i++) {
        to->error[i] = s->k->safety * (of_change * s->rows[i] + of_gradient * s->rows[i] +
                                       of_residual * sqrt(s->inverse[i * p + i]));
        if (!(fabs(to->high[i]) > to->error[i])) return 0;
    }
    to->intercept_error = 0.0;
    if (s->intercept) {
        to->intercept_error =
            s->k->safety * (of_change * s->of_rows + of_gradient * s->of_rows +
                            of_residual * (sqrt(s->of_mean) + 1.0 / sqrt(n)));
        if (!(fabs(to->intercept.h) > to->intercept_error)) return 0;
    }
    to->residual_square = residual.h;
    to->residual_square_error = 2.0 * of_residual * residual_norm + of_residual * of_residual +
                                s->k->residual_error * fabs(residual.h) +
                                s->k->safety * (s->error * moved);
    to->passes = from->passes + 1;
    return 1;
}

/* refine.refine; 0 if the digits wanted are not reached */
static int small_refine(small *s, double wanted, double square_tolerance, double *scratch)
{
    const double *columns[SMALL_PREDICTORS + 1];
    for (;;) {
        const refinement *state = &s->state;
        double before = small_digits(s, state);
        if (before >= wanted &&
            state->residual_square_error <= square_tolerance * state->residual_square)
            return 1;
        if (state->passes >= s->k->most_passes) return 0;
        s->code->residual_sums(s->t, s->n, s->scale, state->intercept, state->high, state->low,
                               s->sums_high, s->sums_low, scratch, columns);
        if (!small_corrected(s)) return 0;
        if (state->passes > 0 && small_digits(s, &s->further) < before + s->k->least_gain)
            return 0;
        refinement other = s->state;
        s->state = s->further;
        s->further = other;
    }
}

/* answer._norm: the largest eigenvalue by the power method */
static double small_norm(const double *matrix, int p)
{
    double vector[SMALL_PREDICTORS], next[SMALL_PREDICTORS], size = 1.0;
    for (int i = 0; i < p; i++) vector[i] = 1.0 + i / (7.0 * p);
    for (int pass = 0; pass < 8; pass++) {
        for (int i = 0; i < p; i++) vector[i] /= size;
        for (int i = 0; i < p; i++) next[i] = plain_dot(p, matrix + i * p, vector);
        size = sqrt(plain_dot(p, next, next));
        memcpy(vector, next, sizeof(double) * p);
    }
    return size;
}

/* answer._digits */
static double small_digits_of(const small *s, double relative_error)
{
    double error = fmax(relative_error, pow(10.0, -s->k->full_digits));
    return fmax(-log10(error), 0.0);
}

/* answer.answer; 0 if the residuals are not clearly there, or a number is not finite */
static int small_report(const small *s, small_answer *out)
{
    int p = s->p, q = s->q;
    const refinement *state = &s->state;
    double n = (double)s->n, freedom = n - p - s->intercept, square = state->residual_square;
    double u = s->k->unit_roundoff, target_scale = s->scale[p];
    if (!(square > state->residual_square_error)) return 0;
    if (!(square > 4.0 * u * u * s->target_raw_square)) return 0; /* a perfect fit */
    double variance = square / freedom, square_error = state->residual_square_error / square;

    /* answer._input_noise */
    double per_row = s->target_raw_square, of_intercept = 0.0, noise[SMALL_PREDICTORS + 1];
    double unit = 2.0 * u / sqrt(3.0);
    for (int i = 0; i < p; i++) per_row += state->high[i] * state->high[i] * s->raw_square[i];
    per_row /= n;
    for (int i = 0; i < p; i++) {
        double sum = 0.0;
        for (int j = 0; j < p; j++)
            sum += s->inverse[i * p + j] * s->inverse[i * p + j] * s->raw_square[j];
        noise[i + 1] = unit * sqrt(per_row * s->inverse[i * p + i] + variance * sum);
        of_intercept += s->leaning_high[i] * s->leaning_high[i] * s->raw_square[i];
    }
    noise[0] = unit * sqrt(per_row * (s->of_mean + 1.0 / n) + variance * of_intercept);

    double *coefficients = out->table, *lows = coefficients + q, *errors = lows + q;
    double *trusted = errors + q, *error_digits = trusted + q, *data = error_digits + q;
    out->least_trusted = out->least_data = s->k->full_digits;
    for (int i = 0; i < q; i++) {
        if (i == 0 && !s->intercept) {
            for (int row = 0; row < 6; row++) out->table[row * q] = NAN;
            continue;
        }
        dd b = state->intercept;
        double error = state->intercept_error, spread = s->of_intercept, scale = 1.0 / target_scale;
        double spread_error = s->of_intercept_error;
        if (i > 0) {
            b = (dd){state->high[i - 1], state->low[i - 1]};
            error = state->error[i - 1];
            spread = s->inverse[(i - 1) * p + i - 1];
            spread_error = s->inverse_error[i - 1];
            scale = s->scale[i - 1] / target_scale;
        }
        coefficients[i] = b.h * scale;
        lows[i] = b.l * scale;
        errors[i] = sqrt(variance * spread) * scale;
        trusted[i] = small_digits_of(s, error / fabs(b.h));
        error_digits[i] = small_digits_of(s, 0.5 * (spread_error + square_error));
        data[i] = small_digits_of(s, noise[i] / fabs(b.h));
        if (!isnormal(coefficients[i]) || !isnormal(errors[i])) return 0;
        out->least_trusted = fmin(out->least_trusted, trusted[i]);
        out->least_data = fmin(out->least_data, data[i]);
    }
    for (int j = 0; j < p; j++) {
        out->means[j] = s->mean_high[j] / s->scale[j];
        out->mean_lows[j] = s->mean_low[j] / s->scale[j];
        if (!isfinite(out->means[j])) return 0;
    }
    memcpy(out->scales, s->scale, sizeof(double) * p);
    memcpy(out->root, s->root, sizeof(double) * p * p);
    out->target_mean = s->target_mean.h / target_scale;
    out->target_mean_low = s->target_mean.l / target_scale;
    out->residual_square = square / target_scale / target_scale;
    out->total_square = s->target_square.h / target_scale / target_scale;
    out->condition = sqrt(small_norm(s->inverse, p) * small_norm(s->matrix_high, p));
    out->passes = state->passes;
    return isnormal(out->residual_square) && isnormal(out->total_square);
}

static size_t small_kernel_scratch(int p, const kernels *code)
{
    size_t gram = code->gram_scratch(p + 1, 2), residual = code->residual_scratch(p);
    return gram > residual ? gram : residual;
}

static size_t small_scratch(int p, const kernels *code)
{
    size_t q = (size_t)p + 1;
    return small_kernel_scratch(p, code) + 9 * q * q + 28 * q + 4;
}

static double *small_take(double **from, size_t count)
{
    double *at = *from;
    *from += count;
    return at;
}

/* Fit n rows with 1 to SMALL_PREDICTORS predictors; `tolerance` is the relative error to reach in
 * the standard errors. Returns 0, and leaves the table to leastsquares/solve.py, where anything is
 * out of the ordinary. */
static int small_fit(const table *t, ptrdiff_t n, int intercept, double wanted, double tolerance,
                     const bounds *k, const kernels *code, double *scratch, small_answer *out)
{
    int p = t->predictors, q = p + 1;
    size_t square = (size_t)p * p;
    small s = {.t = t, .n = n, .p = p, .q = q, .intercept = intercept, .k = k, .code = code};
    double *kernel_scratch = small_take(&scratch, small_kernel_scratch(p, code));
    double **of_q[] = {&s.gram_scale, &s.scale, &s.about_high, &s.about_low, &s.mean_high,
                       &s.mean_low};
    double **of_p[] = {&s.right_high, &s.right_low, &s.inflation, &s.raw_square, &s.tolerance,
                       &s.size, &s.leaning_high, &s.leaning_low, &s.rows, &s.inverse_error,
                       &s.gradient_high, &s.gradient_low, &s.change_high, &s.change_low,
                       &s.state.high, &s.state.low, &s.state.error, &s.further.high,
                       &s.further.low, &s.further.error};
    double **of_squares[] = {&s.matrix_high, &s.matrix_low, &s.triangle_high, &s.triangle_low,
                             &s.root, &s.spare, &s.inverse};
    for (size_t i = 0; i < sizeof of_q / sizeof *of_q; i++) *of_q[i] = small_take(&scratch, q);
    for (size_t i = 0; i < sizeof of_p / sizeof *of_p; i++) *of_p[i] = small_take(&scratch, p);
    for (size_t i = 0; i < sizeof of_squares / sizeof *of_squares; i++)
        *of_squares[i] = small_take(&scratch, square);
    s.second_high = small_take(&scratch, (size_t)q * q);
    s.second_low = small_take(&scratch, (size_t)q * q);
    s.sums_high = small_take(&scratch, p + 2);
    s.sums_low = small_take(&scratch, p + 2);

    if (!small_origin(&s, out)) return 0;
    for (int tier = 0; tier < 3; tier++) {
        s.error = k->gram_error[tier];
        memset(kernel_scratch, 0, sizeof(double) * code->gram_scratch(q, tier));
        code->gram(t, n, s.gram_scale, out->shift, tier, &out->moments, kernel_scratch);
        if (!small_assemble(&s, out)) return 0;
        if (!small_factorize(&s)) continue;
        small_reach(&s);
        if (!(s.worst <= tolerance)) continue;
        small_unrefined(&s);
        if (!small_refine(&s, wanted, 2.0 * tolerance, kernel_scratch)) return 0;
        out->tier = tier;
        return small_report(&s, out);
    }
    return 0;
}
