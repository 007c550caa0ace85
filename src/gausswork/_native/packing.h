/* Rows of a table, laid out for the hot loops: see blocks.h, which includes this for each
 * instruction set. Columns that the rows do not fill are left alone: scratch memory is zero.
 */

#if LANES >= 4
/* Four consecutive values from each of four places, as four rows */
static inline __attribute__((always_inline)) void NAME(transposed)(const char *const from[4],
                                                                   int single, __m256d rows[4])
{
    __m256d v[4];
    for (int i = 0; i < 4; i++)
        v[i] = single ? _mm256_cvtps_pd(_mm_loadu_ps((const float *)from[i]))
                      : _mm256_loadu_pd((const double *)from[i]);
    __m256d ab0 = _mm256_unpacklo_pd(v[0], v[1]), ab1 = _mm256_unpackhi_pd(v[0], v[1]);
    __m256d cd0 = _mm256_unpacklo_pd(v[2], v[3]), cd1 = _mm256_unpackhi_pd(v[2], v[3]);
    rows[0] = _mm256_permute2f128_pd(ab0, cd0, 0x20);
    rows[1] = _mm256_permute2f128_pd(ab1, cd1, 0x20);
    rows[2] = _mm256_permute2f128_pd(ab0, cd0, 0x31);
    rows[3] = _mm256_permute2f128_pd(ab1, cd1, 0x31);
}

/* The same, stored `stride` apart */
static inline void NAME(transpose4)(const char *const from[4], int single, double *to,
                                    size_t stride)
{
    __m256d rows[4];
    NAME(transposed)(from, single, rows);
    for (int r = 0; r < 4; r++) _mm256_storeu_pd(to + r * stride, rows[r]);
}

/* Whether some columns are of one type, each in one piece */
static inline int NAME(plain)(const table *t, int j, int columns)
{
    int plain = 1, single = t->single[j];
    for (int c = 0; c < columns; c++)
        plain &= t->single[j + c] == single && t->stride[j + c] == (single ? 4 : 8);
    return plain;
}
#endif

/* Copy rows start … start+m of column j to `to`, `step` doubles apart, widening float32 */
static inline void NAME(copy_column)(const table *t, int j, ptrdiff_t start, int m, double *to,
                                     size_t step)
{
    const char *p = t->data[j] + start * t->stride[j];
    ptrdiff_t stride = t->stride[j];
    if (t->single[j])
        for (int k = 0; k < m; k++) to[k * step] = (double)*(const float *)(p + k * stride);
    else if (stride == 8)
        for (int k = 0; k < m; k++) to[k * step] = ((const double *)p)[k];
    else
        for (int k = 0; k < m; k++) to[k * step] = *(const double *)(p + k * stride);
}

/* Copy a block into strips, the raw values; unused rows and columns are zero */
static void NAME(pack_strips)(const table *t, ptrdiff_t start, int m, int strips, double *to)
{
    int p = t->row_major ? t->predictors : 0, done = 0;
    if (t->row_major && !t->single[0]) {
        done = p / LANES * LANES;
        for (int k = 0; k < m; k++) {
            const double *row = (const double *)(t->data[0] + (start + k) * t->stride[0]);
            for (int j = 0; j < done; j += LANES)
                STORE(to + (size_t)(j / LANES) * STRIP + k * LANES, LOAD(row + j));
        }
    } else if (t->row_major) {
        done = p / LANES * LANES;
        for (int k = 0; k < m; k++) {
            const float *row = (const float *)(t->data[0] + (start + k) * t->stride[0]);
            for (int j = 0; j < done; j += LANES) {
                double *at = to + (size_t)(j / LANES) * STRIP + k * LANES;
                for (int r = 0; r < LANES; r++) at[r] = (double)row[j + r];
            }
        }
    }
    for (int j = done; j <= t->predictors; ) {
        double *at = to + (size_t)(j / LANES) * STRIP + j % LANES;
#if LANES >= 4
        if (j % 4 == 0 && j + 3 <= t->predictors && NAME(plain)(t, j, 4)) {
            ptrdiff_t size = t->stride[j];
            int whole = m / 4 * 4;
            for (int k = 0; k < whole; k += 4) {
                const char *from[4];
                for (int r = 0; r < 4; r++) from[r] = t->data[j + r] + (start + k) * size;
                NAME(transpose4)(from, t->single[j], at + (size_t)k * LANES, LANES);
            }
            for (int r = 0; r < 4; r++)
                NAME(copy_column)(t, j + r, start + whole, m - whole,
                                  at + (size_t)whole * LANES + r, LANES);
            j += 4;
            continue;
        }
#endif
        NAME(copy_column)(t, j, start, m, at, LANES);
        j++;
    }
    if (m < ROWS)
        for (int s = 0; s < strips; s++)
            memset(to + (size_t)s * STRIP + m * LANES, 0, sizeof(double) * (ROWS - m) * LANES);
}

/* Copy a block into columns, the raw values; unused rows are zero. Columns that already lie so
 * are pointed at where they are. */
static void NAME(pack_columns)(const table *t, ptrdiff_t start, int m, double *to,
                               const double **columns)
{
    int done = 0;
#if LANES >= 4
    if (t->row_major) {
        ptrdiff_t stride = t->stride[0], size = t->single[0] ? 4 : 8;
        int whole = m / 4 * 4;
        done = t->predictors / 4 * 4;
        for (int k = 0; k < whole; k += 4) {
            const char *row = t->data[0] + (start + k) * stride;
            for (int j = 0; j < done; j += 4) {
                const char *from[4];
                for (int r = 0; r < 4; r++) from[r] = row + r * stride + j * size;
                NAME(transpose4)(from, t->single[0], to + (size_t)j * COLUMN + k, COLUMN);
            }
        }
        for (int j = 0; j < done; j++)
            NAME(copy_column)(t, j, start + whole, m - whole, to + (size_t)j * COLUMN + whole, 1);
    }
#endif
    for (int j = 0; j <= t->predictors; j++) {
        double *at = to + (size_t)j * COLUMN;
        columns[j] = at;
        if (j >= done) {
            if (m == ROWS && !t->single[j] && t->stride[j] == 8) {
                columns[j] = (const double *)t->data[j] + start;
                continue;
            }
            NAME(copy_column)(t, j, start, m, at, 1);
        }
        for (int k = m; k < ROWS; k++) at[k] = 0.0;
    }
}

/* ------------------------------------------------------------------ packed, scaled and shifted */

#if LANES >= 4
/* Four rows of one group of columns are scaled, shifted, stored and summed at a time; the sums are
 * of even and of odd rows, whatever the width of a vector. */
typedef struct { __m256d scale, shift, even, odd; } NAME(group);

static inline NAME(group) NAME(group_of)(const double *scale, const double *shift, int j)
{
    __m256d zero = _mm256_setzero_pd();
    return (NAME(group)){_mm256_loadu_pd(scale + j), _mm256_loadu_pd(shift + j), zero, zero};
}

static inline __attribute__((always_inline)) void NAME(put)(NAME(group) *g, __m256d v, int odd,
                                                            double *at)
{
    v = v * g->scale - g->shift;
    _mm256_storeu_pd(at, v);
    if (odd) g->odd += v; else g->even += v;
}

/* Add the sums of a group to those of the blocks before, with the errors */
static inline void NAME(settle)(const NAME(group) *g, double *high, double *low)
{
    __m256d h = _mm256_loadu_pd(high), l = _mm256_loadu_pd(low);
    TWO_SUM_INTO(__m256d, h, l, g->even + g->odd);
    _mm256_storeu_pd(high, h);
    _mm256_storeu_pd(low, l);
}

static inline __m256d NAME(four)(const char *from, int single)
{
    return single ? _mm256_cvtps_pd(_mm_loadu_ps((const float *)from))
                  : _mm256_loadu_pd((const double *)from);
}

/* Where row k of columns j … j+3 stands in the strips */
#define AT(j, k) (to + (size_t)((j) / LANES) * STRIP + (j) % LANES + (size_t)(k) * LANES)

/* n groups of columns from j on, whose rows lie side by side in memory */
static inline __attribute__((always_inline)) void NAME(centre_rows)(
    const table *t, ptrdiff_t start, int m, int j, int n, int single, const double *scale,
    const double *shift, double *to, double *high, double *low)
{
    NAME(group) g[2];
    ptrdiff_t stride = t->stride[0], size = single ? 4 : 8;
    const char *row = t->data[0] + start * stride + j * size;
    for (int i = 0; i < n; i++) g[i] = NAME(group_of)(scale, shift, j + 4 * i);
    int k = 0;
    for (; k + 2 <= m; k += 2, row += 2 * stride)
        for (int i = 0; i < n; i++) {
            double *at = AT(j + 4 * i, k);
            NAME(put)(g + i, NAME(four)(row + 4 * i * size, single), 0, at);
            NAME(put)(g + i, NAME(four)(row + stride + 4 * i * size, single), 1, at + LANES);
        }
    for (int i = 0; k < m && i < n; i++)
        NAME(put)(g + i, NAME(four)(row + 4 * i * size, single), 0, AT(j + 4 * i, k));
    for (int i = 0; i < n; i++) NAME(settle)(g + i, high + j + 4 * i, low + j + 4 * i);
}

/* The last group of such rows: what predictors remain, then the target, which lies elsewhere */
static inline __attribute__((always_inline)) void NAME(centre_last)(
    const table *t, ptrdiff_t start, int m, int j, int single, const double *scale,
    const double *shift, double *to, double *high, double *low)
{
    NAME(group) g = NAME(group_of)(scale, shift, j);
    int p = t->predictors, own = p - j;
    const __m256i place = _mm256_set_epi64x(3, 2, 1, 0);
    const __m256i mask = _mm256_cmpgt_epi64(_mm256_set1_epi64x(own), place);
    const __m256d target = (__m256d)_mm256_cmpeq_epi64(_mm256_set1_epi64x(own), place);
    const __m128i mask_single = _mm_cmpgt_epi32(_mm_set1_epi32(own), _mm_set_epi32(3, 2, 1, 0));
    const char *row = t->data[0] + start * t->stride[0] + j * (single ? 4 : 8);
    ptrdiff_t stride = t->stride[0];
    double y[ROWS];
    NAME(copy_column)(t, p, start, m, y, 1);
#define LAST_ROW(k, odd) do { \
        __m256d v = single ? _mm256_cvtps_pd(_mm_maskload_ps((const float *)row, mask_single)) \
                           : _mm256_maskload_pd((const double *)row, mask); \
        v = _mm256_blendv_pd(v, _mm256_broadcast_sd(y + (k)), target); \
        NAME(put)(&g, v, odd, AT(j, k)); \
        row += stride; } while (0)
    int k = 0;
    for (; k + 2 <= m; k += 2) {
        LAST_ROW(k, 0);
        LAST_ROW(k + 1, 1);
    }
    if (k < m) LAST_ROW(k, 0);
#undef LAST_ROW
    NAME(settle)(&g, high + j, low + j);
}

/* A group whose columns lie each for itself, `live` of them; of one type and in one piece if
 * `plain`, else copied first */
static inline __attribute__((always_inline)) void NAME(centre_columns)(
    const table *t, ptrdiff_t start, int m, int j, int live, int plain, int single,
    const double *scale, const double *shift, double *to, double *high, double *low)
{
    static const double none[4];
    NAME(group) g = NAME(group_of)(scale, shift, j);
    int k = 0;
    if (plain) {
        const char *from[4] = {(const char *)none, (const char *)none, (const char *)none,
                               (const char *)none};
        ptrdiff_t size = single ? 4 : 8, step[4] = {0};
        for (int r = 0; r < live; r++) {
            from[r] = t->data[j + r] + start * size;
            step[r] = 4 * size;
        }
        for (; k + 4 <= m; k += 4) {
            __m256d rows[4];
            NAME(transposed)(from, single, rows);
            for (int r = 0; r < 4; r++) {
                NAME(put)(&g, rows[r], r % 2, AT(j, k + r));
                from[r] += step[r];
            }
        }
    }
    for (int r = 0; r < live; r++)
        NAME(copy_column)(t, j + r, start + k, m - k, AT(j, k) + r, LANES);
    for (; k < m; k++) NAME(put)(&g, _mm256_loadu_pd(AT(j, k)), k % 2, AT(j, k));
    NAME(settle)(&g, high + j, low + j);
}

/* Copy a block into strips, scaled and shifted, and add its columns to (high, low); unused rows are
 * zero */
static void NAME(pack_centred)(const table *t, ptrdiff_t start, int m, int strips,
                               const double *scale, const double *shift, double *to, double *high,
                               double *low)
{
    int q = t->predictors + 1, j = 0;
    if (t->row_major) {
        int single = t->single[0];
#define ROWS_OF(n) do { \
            if (single) NAME(centre_rows)(t, start, m, j, n, 1, scale, shift, to, high, low); \
            else NAME(centre_rows)(t, start, m, j, n, 0, scale, shift, to, high, low); \
            j += 4 * (n); } while (0)
        while (j + 8 <= t->predictors) ROWS_OF(2);
        if (j + 4 <= t->predictors) ROWS_OF(1);
#undef ROWS_OF
        if (single) NAME(centre_last)(t, start, m, j, 1, scale, shift, to, high, low);
        else NAME(centre_last)(t, start, m, j, 0, scale, shift, to, high, low);
        j += 4;
    }
    for (; j < q; j += 4) {
        int live = q - j < 4 ? q - j : 4, plain = NAME(plain)(t, j, live);
        if (plain && t->single[j])
            NAME(centre_columns)(t, start, m, j, live, 1, 1, scale, shift, to, high, low);
        else
            NAME(centre_columns)(t, start, m, j, live, plain, 0, scale, shift, to, high, low);
    }
    if (m < ROWS)
        for (int s = 0; s < strips; s++)
            memset(to + (size_t)s * STRIP + m * LANES, 0, sizeof(double) * (ROWS - m) * LANES);
}
#undef AT
#else
/* Copy a block into strips, scaled and shifted, and add its columns to (high, low); unused rows are
 * zero. The sums are of even and of odd rows. */
static void NAME(pack_centred)(const table *t, ptrdiff_t start, int m, int strips,
                               const double *scale, const double *shift, double *to, double *high,
                               double *low)
{
    NAME(pack_strips)(t, start, m, strips, to);
    for (int s = 0; s < strips; s++) {
        double *strip = to + (size_t)s * STRIP;
        vec w = LOAD(scale + s * LANES), c = LOAD(shift + s * LANES), sums[2] = {ALL(0.0), ALL(0.0)};
        for (int k = 0; k < m; k++) {
            vec v = LOAD(strip + k * LANES) * w - c;
            STORE(strip + k * LANES, v);
            sums[k % 2] += v;
        }
        vec h = LOAD(high + s * LANES), l = LOAD(low + s * LANES);
        TWO_SUM_INTO(vec, h, l, sums[0] + sums[1]);
        STORE(high + s * LANES, h);
        STORE(low + s * LANES, l);
    }
}
#endif
