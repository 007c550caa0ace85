/* The hot loops, written once and compiled for each instruction set.
 *
 * The including file defines LANES (doubles in a vector), NAME(x) (a suffix for the instruction
 * set), VFMA(a, b, c) (a·b + c on vectors), HAS_FMA (whether it rounds once) and VBROADCAST(p) (a
 * double from memory in all lanes).
 *
 * A block is ROWS rows. Two layouts:
 *   strips   LANES columns side by side, row after row: what the outer-product tiles read;
 *   columns  one column after the other: what the double-double pass reads.
 * Every entry of the Gram matrix is a few chains of multiply-adds down the rows of a block, so its
 * bits do not depend on the vector length. This file must be compiled with -ffp-contract=off:
 * the error-free transformations hold only as they are written.
 */

typedef double NAME(vec) __attribute__((vector_size(8 * LANES)));
typedef long long NAME(mask) __attribute__((vector_size(8 * LANES)));
typedef double NAME(uvec) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
#define vec NAME(vec)
#define STRIP (ROWS * LANES + 8) /* padded: strips must not share cache sets */
#define COLUMN (ROWS + 8)

static inline vec NAME(load)(const double *p) { return *(const NAME(uvec) *)p; }
static inline void NAME(store)(double *p, vec v) { *(NAME(uvec) *)p = v; }
static inline vec NAME(all)(double v)
{
    vec r;
    for (int i = 0; i < LANES; i++) r[i] = v;
    return r;
}
static inline vec NAME(larger)(vec top, vec v)
{   /* the larger of top and |v|, lane by lane */
    vec a = (vec)((NAME(mask))v & 0x7fffffffffffffffLL);
    NAME(mask) m = a > top;
    return (vec)(((NAME(mask))a & m) | ((NAME(mask))top & ~m));
}
#define LOAD NAME(load)
#define STORE NAME(store)
#define ALL NAME(all)

/* h + l += v, with the error of the sum in l (Knuth's TwoSum) */
#define TWO_SUM_INTO(type, h, l, v) do { \
        type v_ = (v), s_ = (h) + v_, t_ = s_ - (h); \
        (l) += ((h) - (s_ - t_)) + (v_ - t_); (h) = s_; } while (0)

/* the exact error of the product p = a·b */
#if HAS_FMA
#define PRODUCT_ERROR(a, b, p) VFMA((a), (b), -(p))
#else
static inline vec NAME(product_error)(vec a, vec b, vec p)
{   /* Dekker's product with Veltkamp's splitting; factors stay below 2^990 by scaling */
    const vec f = ALL(134217729.0);
    vec t = f * a, ah = t - (t - a), al = a - ah;
    vec u = f * b, bh = u - (u - b), bl = b - bh;
    return ((ah * bh - p) + ah * bl + al * bh) + al * bl;
}
#define PRODUCT_ERROR(a, b, p) NAME(product_error)((a), (b), (p))
#endif

/* ------------------------------------------------------------------ outer-product tiles */

/* out (LANES × n·LANES) = aᵀ·b over one block; a is one strip, b are n strips. With `ahead`, rows
 * of the next block are asked for on the way. */
#define TILE_ROW(n, k) do { \
        vec v[n]; \
        for (int c = 0; c < n; c++) v[c] = LOAD(b + (size_t)c * STRIP + (k) * LANES); \
        for (int r = 0; r < LANES; r++) { \
            vec w = VBROADCAST(a + (k) * LANES + r); \
            for (int c = 0; c < n; c++) s[r][c] = VFMA(w, v[c], s[r][c]); \
        } } while (0)
#define TILE(name, n, ahead) \
static __attribute__((noinline)) void NAME(name)(const double *a, const double *b, double *out, \
                                                 lookahead *next) \
{ \
    for (int from = 0; from < ROWS; from += CHAIN) { \
        const char *soon = ahead ? lookahead_next(next) : NULL; \
        vec s[LANES][n]; \
        for (int r = 0; r < LANES; r++) for (int c = 0; c < n; c++) s[r][c] = ALL(0.0); \
        for (int k = from; k < from + CHAIN; k += 2, soon += ahead ? 64 : 0) { \
            if (ahead) __builtin_prefetch(soon, 0, 2); \
            TILE_ROW(n, k); \
            TILE_ROW(n, k + 1); \
        } \
        for (int r = 0; r < LANES; r++) for (int c = 0; c < n; c++) { \
            double *at = out + (r * n + c) * LANES; \
            STORE(at, from ? LOAD(at) + s[r][c] : s[r][c]); \
        } \
    } \
    (void)next; \
}
TILE(tile1, 1, 0)
TILE(tile2, 2, 0)
TILE(tile3, 3, 0)
TILE(tile1_ahead, 1, 1)
TILE(tile2_ahead, 2, 1)
TILE(tile3_ahead, 3, 1)
#undef TILE
#undef TILE_ROW

/* The corner on the diagonal of two strips in one: (LANES × 2·LANES) of the first times both, then
 * (LANES × LANES) of the second times itself. Alone these have too few chains to keep busy. Asks for
 * two chunks of the next block at a time. */
#define CORNER_TILE_ROW(k) do { \
        vec v0 = LOAD(b + (k) * LANES), v1 = LOAD(b + STRIP + (k) * LANES); \
        for (int r = 0; r < LANES; r++) { \
            vec w = VBROADCAST(b + (k) * LANES + r); \
            s[r][0] = VFMA(w, v0, s[r][0]); \
            s[r][1] = VFMA(w, v1, s[r][1]); \
        } \
        for (int r = 0; r < LANES; r++) { \
            vec w = VBROADCAST(b + STRIP + (k) * LANES + r); \
            s[r][2] = VFMA(w, v1, s[r][2]); \
        } } while (0)
static __attribute__((noinline)) void NAME(corner)(const double *b, double *out, lookahead *next)
{
    for (int from = 0; from < ROWS; from += CHAIN) {
        const char *soon = lookahead_next(next), *then = lookahead_next(next);
        vec s[LANES][3];
        for (int r = 0; r < LANES; r++) for (int c = 0; c < 3; c++) s[r][c] = ALL(0.0);
        for (int k = from; k < from + CHAIN; k += 2, soon += 64, then += 64) {
            __builtin_prefetch(soon, 0, 2);
            __builtin_prefetch(then, 0, 2);
            CORNER_TILE_ROW(k);
            CORNER_TILE_ROW(k + 1);
        }
        for (int r = 0; r < LANES; r++) for (int c = 0; c < 3; c++) {
            double *at = out + (c < 2 ? r * 2 + c : LANES * 2 + r) * LANES;
            STORE(at, from ? LOAD(at) + s[r][c] : s[r][c]);
        }
    }
}
#undef CORNER_TILE_ROW

/* Add a tile to its accumulators: high words, then low words that take the errors of the sums.
 * `exact` carries into the high words, for sums in full double-double. */
static inline void NAME(fold)(const double *tile, int vectors, double *high, int exact)
{
    double *low = high + vectors * LANES;
    for (int at = 0; at < vectors * LANES; at += LANES) {
        vec h = LOAD(high + at), l = LOAD(low + at);
        TWO_SUM_INTO(vec, h, l, LOAD(tile + at));
        if (exact) { vec s = h + l; l = l - (s - h); h = s; }
        STORE(high + at, h);
        STORE(low + at, l);
    }
}

/* Returns where the accumulators of the next tile are */
static inline double *NAME(tile_and_fold)(const double *a, const double *b, int n, double *sum,
                                          int exact, lookahead *next)
{
    double out[LANES * LANES * 3] __attribute__((aligned(64)));
    if (next->chunk < next->chunks)
        (n == 3 ? NAME(tile3_ahead) : n == 2 ? NAME(tile2_ahead) : NAME(tile1_ahead))(a, b, out, next);
    else
        (n == 3 ? NAME(tile3) : n == 2 ? NAME(tile2) : NAME(tile1))(a, b, out, next);
    NAME(fold)(out, LANES * n, sum, exact);
    return sum + 2 * LANES * LANES * n;
}

static inline double *NAME(corner_and_fold)(const double *b, double *sum, int exact,
                                            lookahead *next)
{
    double out[LANES * LANES * 3] __attribute__((aligned(64)));
    NAME(corner)(b, out, next);
    NAME(fold)(out, LANES * 2, sum, exact);
    sum += 2 * LANES * LANES * 2;
    NAME(fold)(out + LANES * LANES * 2, LANES, sum, exact);
    return sum + 2 * LANES * LANES;
}

/* Doubles that the accumulators of a product take */
static size_t NAME(product_size)(int strips, int upper)
{
    size_t size = 0;
    int width = strips % 3 ? strips % 3 : 3;
    for (int j = 0; j < strips; j += width, width = 3) {
        int full = upper ? j : strips, corner = upper ? width : 0;
        size += 2 * LANES * LANES * (size_t)(full * width + corner * (corner + 1) / 2);
    }
    return size;
}

/* sum += aᵀ·b over some blocks; only the tiles on and above the diagonal when `upper`.
 * Groups of three strips of b stay in the first cache while the strips of a pass by, and their
 * accumulators in the second while the blocks pass by; these lie in the order of the tiles. */
static void NAME(product)(const double *a, const double *b, int blocks, int strips, int upper,
                          double *sum, int exact, lookahead *next)
{
    size_t panel = (size_t)strips * STRIP;
    int width = strips % 3 ? strips % 3 : 3;
    for (int j = 0; j < strips; j += width, width = 3) {
        int full = upper ? j : strips;
        double *at = sum;
        for (int block = 0; block < blocks; block++) {
            const double *left = a + block * panel, *right = b + block * panel;
            at = sum;
            for (int i = 0; i < full; i++)
                at = NAME(tile_and_fold)(left + (size_t)i * STRIP, right + (size_t)j * STRIP,
                                         width, at, exact, next);
            if (!upper) continue;
            const double *diagonal = right + (size_t)j * STRIP;
            if (width != 2) at = NAME(tile_and_fold)(left + (size_t)j * STRIP, diagonal, width, at,
                                                     exact, next);
            if (width != 1) at = NAME(corner_and_fold)(diagonal + (size_t)(width - 2) * STRIP, at,
                                                       exact, next);
        }
        sum = at;
    }
}

/* Add one tile to the upper triangle of the result, p columns; a full product counts for both
 * triangles: it is the half of a matrix plus its transpose. Returns the next tile. */
static const double *NAME(deliver_tile)(const double *sum, int i, int j, int n, int q, int upper,
                                        double *high, double *low)
{
    const double *errors = sum + LANES * LANES * n;
    for (int r = 0; r < LANES; r++)
        for (int c = 0; c < n * LANES; c++) {
            int a = i * LANES + r, b = j * LANES + c;
            if (a >= q || b >= q || (upper && a > b)) continue;
            size_t at = a < b ? (size_t)a * q + b : (size_t)b * q + a;
            dd x = dd_normal(sum[r * n * LANES + c], errors[r * n * LANES + c]);
            dd y = {high[at], low[at]};
            y = dd_add(y, x);
            if (!upper && a == b) y = dd_add(y, x);
            high[at] = y.h;
            low[at] = y.l;
        }
    return sum + 2 * LANES * LANES * n;
}

/* Add a product to the (q, q) result, in the order in which NAME(product) left its tiles */
static void NAME(deliver)(const double *sum, int strips, int upper, int q, double *high, double *low)
{
    int width = strips % 3 ? strips % 3 : 3;
    for (int j = 0; j < strips; j += width, width = 3) {
        int full = upper ? j : strips;
        for (int i = 0; i < full; i++)
            sum = NAME(deliver_tile)(sum, i, j, width, q, upper, high, low);
        for (int i = j; upper && i < j + width; i++)
            sum = NAME(deliver_tile)(sum, i, i, j + width - i, q, upper, high, low);
    }
}

#include "packing.h"

/* ------------------------------------------------------------------ weights */

/* The weights of a block, and their square roots in double-double, through which rows are weighted:
 * √w alone is rounded, and the rows would be those of another problem. Unused rows are zero. */
static void NAME(read_weights)(const table *t, ptrdiff_t start, int m, double *w, double *high,
                               double *low)
{
    for (int k = 0; k < m; k++) {
        const char *at = t->weight + (start + k) * t->weight_stride;
        w[k] = t->weight_single ? (double)*(const float *)at : *(const double *)at;
    }
    for (int k = m; k < ROWS; k++) w[k] = 0.0;
    for (int k = 0; k < ROWS; k++) {
        double root = sqrt(w[k]);
        dd square = dd_product(root, root);
        high[k] = root;
        low[k] = root > 0.0 ? ((w[k] - square.h) - square.l) / (2.0 * root) : 0.0;
    }
}

/* ------------------------------------------------------------------ Gram matrix */

/* Scale and shift a strip in place, multiply each row by the root of its weight, and add up its
 * columns; the sums are of weight times value */
static void NAME(centre_weighted)(double *strip, int m, const double *scale, const double *shift,
                                  const double *weight, const double *root, vec *sum)
{
    vec w = LOAD(scale), c = LOAD(shift), s = ALL(0.0);
    for (int k = 0; k < m; k++) {
        vec d = LOAD(strip + k * LANES) * w - c;
        STORE(strip + k * LANES, d * ALL(root[k]));
        s += d * ALL(weight[k]);
    }
    *sum = s;
}

/* Cut a strip into slices of SLICE_BITS on a power-of-two grid per column, so that products of
 * slices, and sums of ROWS of them, are exact (Ozaki, Ogita, Oishi & Rump 2012).
 *   lead, middle   the slices (middle only when it is given)
 *   strip          what remains, with the error of the shift
 *   known          the slices and half of what remains */
static inline __attribute__((always_inline)) void NAME(slice_rows)(
    double *strip, int m, const double *scale, const double *shift, const double *weight,
    const double *root, const double *root_low, double *lead, double *middle, double *known,
    vec *high, vec *low)
{
    vec w = LOAD(scale), c = LOAD(shift), top = ALL(0.0), grid, finer;
    for (int k = 0; k < m; k++) {
        vec d = LOAD(strip + k * LANES) * w - c;
        top = NAME(larger)(top, weight ? d * ALL(root[k]) : d);
    }
    for (int r = 0; r < LANES; r++) {
        int exponent = 0;
        if (top[r] > 0.0 && top[r] < HUGE_VAL) frexp(top[r], &exponent);
        grid[r] = ldexp(1.5, 52 + exponent - SLICE_BITS);
    }
    finer = grid * ALL(1.0 / (1 << SLICE_BITS));
    vec sum = ALL(0.0), sum_middle = sum, sum_rest = sum; /* weighted: high, unused, low */
    for (int k = 0; k < ROWS; k++) {
        vec one, two = ALL(0.0), rest;
        if (k < m) {
            vec x = LOAD(strip + k * LANES) * w, d = x - c, t = d - x;
            vec error = (x - (d - t)) - (c + t);
            if (weight) {
                vec v = ALL(weight[k]), f = d * v;
                TWO_SUM_INTO(vec, sum, sum_rest, f);
                sum_rest += PRODUCT_ERROR(d, v, f) + error * v;
                v = ALL(root[k]);
                f = d * v;
                error = PRODUCT_ERROR(d, v, f) + (d * ALL(root_low[k]) + error * v);
                d = f;
            }
            one = (d + grid) - grid;
            rest = d - one;
            if (middle) {
                two = (rest + finer) - finer;
                rest = rest - two;
            }
            rest += error;
        } else {
            one = rest = ALL(0.0);
        }
        if (!weight) {
            sum += one;
            sum_middle += two;
            sum_rest += rest;
        }
        STORE(lead + k * LANES, one);
        if (middle) STORE(middle + k * LANES, two);
        STORE(strip + k * LANES, rest);
        STORE(known + k * LANES, (one + two) + 0.5 * rest);
    }
    *high = sum;
    vec s = sum + sum_middle, t = s - sum; /* sums of slices: exact, then one TwoSum */
    *high = s;
    *low = ((sum - (s - t)) + (sum_middle - t)) + sum_rest;
}

static void NAME(slice)(double *strip, int m, const double *scale, const double *shift,
                        double *lead, double *middle, double *known, vec *high, vec *low)
{
    NAME(slice_rows)(strip, m, scale, shift, NULL, NULL, NULL, lead, middle, known, high, low);
}

/* The same of rows times the roots of their weights, `roots` as read_weights() leaves them */
static void NAME(slice_weighted)(double *strip, int m, const double *scale, const double *shift,
                                 const double *roots, double *lead, double *middle, double *known,
                                 vec *high, vec *low)
{
    NAME(slice_rows)(strip, m, scale, shift, roots, roots + ROWS, roots + 2 * ROWS, lead, middle,
                     known, high, low);
}

/* Blocks to pack before multiplying: several once the accumulators outgrow the caches */
static int NAME(blocks_at_once)(int strips) { return strips * LANES < 384 ? 1 : 4; }

static size_t NAME(gram_scratch)(int q, int tier)
{
    int strips = (q + LANES - 1) / LANES;
    size_t panels = (size_t)(tier ? tier + 2 : 1) * NAME(blocks_at_once)(strips);
    size_t full = tier ? NAME(product_size)(strips, 0) : 0;
    size_t vectors = 4 * (size_t)strips * LANES + 3 * ROWS;
    return vectors + NAME(product_size)(strips, 1) + full + panels * strips * STRIP;
}

static void NAME(gram)(const table *t, ptrdiff_t n, const double *scale, const double *shift,
                       int tier, sums *out, double *scratch)
{
    int q = t->predictors + 1, strips = (q + LANES - 1) / LANES;
    int most = NAME(blocks_at_once)(strips);
    size_t Q = (size_t)strips * LANES, panel = (size_t)strips * STRIP;
    double *w = scratch, *c = w + Q, *fh = c + Q, *fl = fh + Q, *roots = fl + Q;
    double *cross = roots + 3 * ROWS, *square = cross + (tier ? NAME(product_size)(strips, 0) : 0);
    double *rest = square + NAME(product_size)(strips, 1);
    double *lead = rest + most * panel, *known = lead + most * panel;
    double *middle = tier == 2 ? known + most * panel : NULL;
    memcpy(w, scale, sizeof(double) * q);
    memcpy(c, shift, sizeof(double) * q);
    for (ptrdiff_t start = 0; start < n; ) {
        int blocks = 0;
        for (; blocks < most && start < n; blocks++, start += ROWS) {
            int m = n - start < ROWS ? (int)(n - start) : ROWS;
            if (tier == 0 && !t->weight) {
                NAME(pack_centred)(t, start, m, strips, w, c, rest + blocks * panel, fh, fl);
                continue;
            }
            NAME(pack_strips)(t, start, m, strips, rest + blocks * panel);
            if (t->weight) NAME(read_weights)(t, start, m, roots, roots + ROWS, roots + 2 * ROWS);
            for (int s = 0; s < strips; s++) {
                vec high, low = ALL(0.0), h = LOAD(fh + s * LANES), l = LOAD(fl + s * LANES);
                size_t at = blocks * panel + (size_t)s * STRIP;
                if (tier == 0)
                    NAME(centre_weighted)(rest + at, m, w + s * LANES, c + s * LANES, roots,
                                          roots + ROWS, &high);
                else if (t->weight)
                    NAME(slice_weighted)(rest + at, m, w + s * LANES, c + s * LANES, roots,
                                         lead + at, middle ? middle + at : NULL, known + at,
                                         &high, &low);
                else
                    NAME(slice)(rest + at, m, w + s * LANES, c + s * LANES, lead + at,
                                middle ? middle + at : NULL, known + at, &high, &low);
                TWO_SUM_INTO(vec, h, l, high);
                l += low;
                STORE(fh + s * LANES, h);
                STORE(fl + s * LANES, l);
            }
        }
        lookahead next = lookahead_start(t, start, n);
        if (tier == 0) {
            NAME(product)(rest, rest, blocks, strips, 1, square, 0, &next);
            continue;
        }
        NAME(product)(lead, lead, blocks, strips, 1, square, 1, &next);
        if (middle) {
            NAME(product)(middle, middle, blocks, strips, 1, square, 1, &next);
            NAME(product)(lead, middle, blocks, strips, 0, cross, 1, &next);
        }
        NAME(product)(known, rest, blocks, strips, 0, cross, tier == 2, &next);
    }
    for (int a = 0; a < q; a++) {
        dd f = dd_normal(fh[a], fl[a]);
        out->first_high[a] = f.h;
        out->first_low[a] = f.l;
    }
    memset(out->second_high, 0, sizeof(double) * 2 * (size_t)q * q);
    NAME(deliver)(square, strips, 1, q, out->second_high, out->second_low);
    if (tier) NAME(deliver)(cross, strips, 0, q, out->second_high, out->second_low);
    mirror(out->second_high, q);
    mirror(out->second_low, q);
}

/* ------------------------------------------------------------------ residual pass */

/* r (high, low) = y·s − b₀ − Σ x_j·s_j·b_j over one block, in double-double */
static void NAME(residual)(const double **columns, int p, int m, const double *scale, dd b0,
                           const double *bh, const double *bl, double *rh, double *rl,
                           lookahead *next)
{
    const double *y = columns[p];
    for (int k = 0; k < ROWS; k++) {
        double v = k < m ? y[k] * scale[p] : 0.0, c = k < m ? -b0.h : 0.0;
        double s = v + c, t = s - v;
        rh[k] = s;
        rl[k] = ((v - (s - t)) + (c - t)) - (k < m ? b0.l : 0.0);
    }
    for (int j = 0; j < p; j++) {
        if (bh[j] == 0.0) continue;
        vec w = ALL(scale[j]), b = ALL(bh[j]), bb = ALL(bl[j]);
        const char *soon = lookahead_next(next);
        for (int k = 0; k < ROWS; k += LANES) {
            if (k % 8 == 0) __builtin_prefetch(soon + 8 * k, 0, 2);
            vec x = LOAD(columns[j] + k) * w, h = LOAD(rh + k), l = LOAD(rl + k);
            vec v = x * b, e = PRODUCT_ERROR(x, b, v);
            vec s = h - v, t = s - h;
            l += ((h - (s - t)) - (v + t)) - e - x * bb;
            STORE(rh + k, s);
            STORE(rl + k, l);
        }
    }
    for (int k = 0; k < ROWS; k += LANES) {
        vec h = LOAD(rh + k), l = LOAD(rl + k), s = h + l;
        STORE(rl + k, l - (s - h));
        STORE(rh + k, s);
    }
}

/* h + l (CHAINS sums side by side) += Σ x·w·r, or Σ r when x is NULL, in double-double */
static inline void NAME(dot)(const double *x, double scale, const double *rh, const double *rl,
                             double *h, double *l)
{
    vec w = ALL(scale), sh[CHAINS / LANES], sl[CHAINS / LANES];
    for (int c = 0; c < CHAINS / LANES; c++) {
        sh[c] = LOAD(h + c * LANES);
        sl[c] = LOAD(l + c * LANES);
    }
    for (int k = 0; k < ROWS; k += CHAINS)
        for (int c = 0; c < CHAINS / LANES; c++) {
            int at = k + c * LANES;
            vec r = LOAD(rh + at), low = LOAD(rl + at);
            if (x) {
                vec v = LOAD(x + at) * w, product = v * r;
                vec e = PRODUCT_ERROR(v, r, product) + v * low;
                TWO_SUM_INTO(vec, sh[c], sl[c], product);
                sl[c] += e;
            } else {
                TWO_SUM_INTO(vec, sh[c], sl[c], r);
                sl[c] += low;
            }
        }
    for (int c = 0; c < CHAINS / LANES; c++) {
        STORE(h + c * LANES, sh[c]);
        STORE(l + c * LANES, sl[c]);
    }
}

/* (wh, wl) = w·(rh, rl) over one block, in double-double */
static void NAME(weigh)(const double *w, const double *rh, const double *rl, double *wh, double *wl)
{
    for (int k = 0; k < ROWS; k += LANES) {
        vec v = LOAD(w + k), h = LOAD(rh + k), p = v * h;
        vec e = PRODUCT_ERROR(v, h, p) + v * LOAD(rl + k), s = p + e;
        STORE(wh + k, s);
        STORE(wl + k, e - (s - p));
    }
}

static size_t NAME(residual_scratch)(int p)
{
    return 4 * COLUMN + 3 * ROWS + 2 * (size_t)(p + 2) * CHAINS + (size_t)(p + 1) * COLUMN;
}

static void NAME(residual_sums)(const table *t, ptrdiff_t n, const double *scale, dd b0,
                                const double *bh, const double *bl, double *high, double *low,
                                double *scratch, const double **columns)
{
    int p = t->predictors;
    double *rh = scratch, *rl = rh + COLUMN, *h = rl + COLUMN, *l = h + (size_t)(p + 2) * CHAINS;
    double *packed = l + (size_t)(p + 2) * CHAINS, *weights = packed + (size_t)(p + 1) * COLUMN;
    double *wh = rh, *wl = rl; /* residuals times weights */
    if (t->weight) {
        wh = weights + 3 * ROWS;
        wl = wh + COLUMN;
    }
    memset(h, 0, sizeof(double) * 2 * (p + 2) * CHAINS);
    for (ptrdiff_t start = 0; start < n; start += ROWS) {
        int m = n - start < ROWS ? (int)(n - start) : ROWS;
        NAME(pack_columns)(t, start, m, packed, columns);
        lookahead next = lookahead_start(t, start + ROWS, n);
        NAME(residual)(columns, p, m, scale, b0, bh, bl, rh, rl, &next);
        if (t->weight) {
            NAME(read_weights)(t, start, m, weights, weights + ROWS, weights + 2 * ROWS);
            NAME(weigh)(weights, rh, rl, wh, wl);
        }
        for (int j = 0; j < p; j++)
            NAME(dot)(columns[j], scale[j], wh, wl, h + j * CHAINS, l + j * CHAINS);
        NAME(dot)(NULL, 1.0, wh, wl, h + p * CHAINS, l + p * CHAINS);
        /* Σr²: once with r as both factors, and once more for the low word's other half */
        double *sh = h + (p + 1) * CHAINS, *sl = l + (p + 1) * CHAINS;
        NAME(dot)(rh, 1.0, wh, wl, sh, sl);
        for (int k = 0; k < ROWS; k++) sl[k % CHAINS] += wh[k] * rl[k];
    }
    for (int j = 0; j < p + 2; j++) {
        dd s = {0.0, 0.0};
        for (int c = 0; c < CHAINS; c++)
            s = dd_add(s, dd_normal(h[j * CHAINS + c], l[j * CHAINS + c]));
        high[j] = s.h;
        low[j] = s.l;
    }
}

/* ------------------------------------------------------------------ whitened Gram matrix */

static size_t NAME(whitened_scratch)(int p, int r)
{
    int strips = (r + LANES - 1) / LANES;
    size_t panel = (size_t)strips * STRIP;
    return NAME(product_size)(strips, 1) + panel + (size_t)(3 * p + 3) * COLUMN + 3 * ROWS +
           (size_t)r * r;
}

/* Gram matrix of W = (X·s − mean)·weights (p × r), W in double-double, products in float64 */
static void NAME(whitened_gram)(const table *t, ptrdiff_t n, const double *scale,
                                const double *mean_high, const double *mean_low,
                                const double *weights, int width, double *out, double *scratch,
                                const double **columns)
{
    int p = t->predictors, strips = (width + LANES - 1) / LANES;
    double *sum = scratch, *strip = sum + NAME(product_size)(strips, 1);
    double *errors = scratch + NAME(whitened_scratch)(p, width) - (size_t)width * width;
    double *dh = strip + (size_t)strips * STRIP, *dl = dh + (size_t)p * COLUMN;
    double *wh = dl + (size_t)p * COLUMN, *wl = wh + COLUMN, *packed = wl + COLUMN;
    double *roots = packed + (size_t)(p + 1) * COLUMN;
    for (ptrdiff_t start = 0; start < n; start += ROWS) {
        int m = n - start < ROWS ? (int)(n - start) : ROWS;
        NAME(pack_columns)(t, start, m, packed, columns);
        if (t->weight) NAME(read_weights)(t, start, m, roots, roots + ROWS, roots + 2 * ROWS);
        for (int j = 0; j < p; j++) {
            double *h = dh + (size_t)j * COLUMN, *l = dl + (size_t)j * COLUMN;
            for (int k = 0; k < ROWS; k++) {
                double x = columns[j][k] * scale[j], c = mean_high[j];
                double s = x - c, v = s - x, e = ((x - (s - v)) - (c + v)) - mean_low[j];
                h[k] = k < m ? s : 0.0;
                l[k] = k < m ? e : 0.0;
            }
        }
        for (int j = 0; j < width; j++) {
            memset(wh, 0, sizeof(double) * ROWS);
            memset(wl, 0, sizeof(double) * ROWS);
            for (int i = 0; i < p; i++) {
                double weight = weights[(size_t)i * width + j];
                if (weight == 0.0) continue;
                vec b = ALL(weight);
                const double *xh = dh + (size_t)i * COLUMN, *xl = dl + (size_t)i * COLUMN;
                for (int k = 0; k < ROWS; k += LANES) {
                    vec x = LOAD(xh + k), h = LOAD(wh + k), l = LOAD(wl + k), v = x * b;
                    vec e = PRODUCT_ERROR(x, b, v) + LOAD(xl + k) * b;
                    TWO_SUM_INTO(vec, h, l, v);
                    STORE(wh + k, h);
                    STORE(wl + k, l + e);
                }
            }
            double *at = strip + (size_t)(j / LANES) * STRIP + j % LANES;
            for (int k = 0; k < ROWS; k++) at[k * LANES] = wh[k] + wl[k];
            for (int k = 0; t->weight && k < ROWS; k++) at[k * LANES] *= roots[ROWS + k];
        }
        lookahead next = {0};
        NAME(product)(strip, strip, 1, strips, 1, sum, 0, &next);
    }
    memset(out, 0, sizeof(double) * (size_t)width * width);
    NAME(deliver)(sum, strips, 1, width, out, errors);
    mirror(out, width);
}

/* ------------------------------------------------------------------ p-space, double-double */

/* a (high, low) −= r·x over one row, r a double-double number */
static inline void NAME(subtract_row)(double *ah, double *al, const double *xh, const double *xl,
                                      dd r, int from, int to)
{
    vec h = ALL(r.h), l = ALL(r.l);
    int j = from;
    for (; j + LANES <= to; j += LANES) {
        vec x = LOAD(xh + j), a = LOAD(ah + j), v = h * x;
        vec e = PRODUCT_ERROR(h, x, v) + (h * LOAD(xl + j) + l * x);
        vec s = a - v, t = s - a, d = (((a - (s - t)) - (v + t)) + (LOAD(al + j) - e));
        vec u = s + d;
        STORE(al + j, d - (u - s));
        STORE(ah + j, u);
    }
    for (; j < to; j++) {
        dd y = dd_sub((dd){ah[j], al[j]}, dd_mul(r, (dd){xh[j], xl[j]}));
        ah[j] = y.h;
        al[j] = y.l;
    }
}

static void NAME(cholesky)(double *h, double *l, int p, const double *tolerance, int capacity,
                           unsigned char *skipped)
{
    for (int k = 0; k < p; k++) {
        double *rh = h + (size_t)k * p, *rl = l + (size_t)k * p;
        for (int j = 0; j < k; j++) rh[j] = rl[j] = 0.0;
        skipped[k] = capacity <= 0 || !(rh[k] > tolerance[k]);
        if (skipped[k]) {
            for (int j = k; j < p; j++) rh[j] = rl[j] = 0.0;
            continue;
        }
        capacity--;
        dd root = dd_sqrt((dd){rh[k], rl[k]});
        rh[k] = root.h;
        rl[k] = root.l;
        for (int j = k + 1; j < p; j++) {
            dd v = dd_div((dd){rh[j], rl[j]}, root);
            rh[j] = v.h;
            rl[j] = v.l;
        }
        for (int i = k + 1; i < p; i++)
            NAME(subtract_row)(h + (size_t)i * p, l + (size_t)i * p, rh, rl, (dd){rh[i], rl[i]}, i,
                               p);
    }
}

/* R⁻¹ rounded, by rows from the last: row k of the inverse is (e_k − Σ_j R_kj·row_j) / R_kk */
static void NAME(invert_triangle)(const double *rh, const double *rl, int p, double *h, double *l)
{
    for (int k = p - 1; k >= 0; k--) {
        double *vh = h + (size_t)k * p, *vl = l + (size_t)k * p;
        memset(vh, 0, sizeof(double) * p);
        memset(vl, 0, sizeof(double) * p);
        vh[k] = 1.0;
        for (int j = k + 1; j < p; j++)
            NAME(subtract_row)(vh, vl, h + (size_t)j * p, l + (size_t)j * p,
                               (dd){rh[(size_t)k * p + j], rl[(size_t)k * p + j]}, j, p);
        dd pivot = {rh[(size_t)k * p + k], rl[(size_t)k * p + k]};
        for (int j = k; j < p; j++) {
            dd v = dd_div((dd){vh[j], vl[j]}, pivot);
            vh[j] = v.h;
            vl[j] = v.l;
        }
    }
}

#include "groups.h"

#undef LOAD
#undef STORE
#undef ALL
#undef TWO_SUM_INTO
#undef PRODUCT_ERROR
#undef STRIP
#undef COLUMN
#undef vec

#define ENTRY(x) .x = NAME(x)
static const kernels NAME(kernels) = {
    ENTRY(gram_scratch), ENTRY(gram), ENTRY(residual_scratch), ENTRY(residual_sums),
    ENTRY(whitened_scratch), ENTRY(whitened_gram), ENTRY(cholesky), ENTRY(invert_triangle),
    ENTRY(grouped),
};
#undef ENTRY
#undef LANES
#undef NAME
#undef VFMA
#undef VBROADCAST
#undef HAS_FMA
