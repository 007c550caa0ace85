/* Density and tails of the normal distribution, written once and compiled for each instruction set.
 *
 * The including file defines LANES, NAME(x), VFMA(a, b, c) and HAS_FMA as for blocks.h; SIGNS(m), the
 * sign bits of a vector as an integer; and COLUMNS(r, j, a, b), which fills two vectors with what
 * stands at r[lane][j] and at r[lane][j + 1]. The formulas and their error are those of
 * gausswork/normal/formulas.py, which is what this is tested against; but a tail that is no small
 * one comes from a table, which takes no exponential and no division.
 * This file must be compiled with -ffp-contract=off.
 */

typedef double NAME(vec) __attribute__((vector_size(8 * LANES)));
typedef long long NAME(mask) __attribute__((vector_size(8 * LANES)));
typedef double NAME(uvec) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
#define vec NAME(vec)
#define mask NAME(mask)
#define LOAD(p) (*(const NAME(uvec) *)(p))
#define STORE(p, v) (*(NAME(uvec) *)(p) = (v))
#define ALL(v) ((vec){0} + (v))
#define SELECT(m, a, b) ((vec)(((mask)(a) & (m)) | ((mask)(b) & ~(m))))

#if HAS_FMA
#define PRODUCT_ERROR(a, b, p) VFMA((a), (b), -(p))
#define REMAINDER(n, q, d) VFMA(-(q), (d), (n))
#else
static INLINE vec NAME(product_error)(vec a, vec b, vec p)
{   /* Dekker's product with Veltkamp's splitting */
    const vec f = ALL(134217729.0);
    vec t = f * a, ah = t - (t - a), al = a - ah;
    vec u = f * b, bh = u - (u - b), bl = b - bh;
    return ((ah * bh - p) + ah * bl + al * bh) + al * bl;
}
#define PRODUCT_ERROR(a, b, p) NAME(product_error)((a), (b), (p))
static INLINE vec NAME(remainder)(vec n, vec q, vec d)
{
    vec p = q * d;
    return (n - p) - PRODUCT_ERROR(q, d, p);
}
#define REMAINDER(n, q, d) NAME(remainder)((n), (q), (d))
#endif

/* Two vectors side by side through a polynomial: they share its coefficients, and each goes in two
 * chains, of even and of odd powers, so that four multiplications are under way at any time. */
static INLINE void NAME(polynomials)(const double *c, int degree, const vec *t, vec *out)
{
    int even = degree & ~1, odd = (degree - 1) | 1;
    vec s[2], e[2], o[2];
    for (int v = 0; v < 2; v++) {
        s[v] = t[v] * t[v];
        e[v] = ALL(c[even]);
        o[v] = ALL(c[odd]);
    }
    for (int k = even - 2; k >= 0; k -= 2) {
        for (int v = 0; v < 2; v++) e[v] = VFMA(e[v], s[v], ALL(c[k]));
        if (k + 1 < odd)
            for (int v = 0; v < 2; v++) o[v] = VFMA(o[v], s[v], ALL(c[k + 1]));
    }
    for (int v = 0; v < 2; v++) out[v] = VFMA(o[v], t[v], e[v]);
}

typedef struct { vec high, low, scale; } NAME(power);

/* exp(−(z + rest)²/2), 0 ≤ z ≤ 40, as (high + low)·scale·2^-600: the last factor is left to the
 * caller, so that a result below 2^-1022 is rounded once */
static INLINE void NAME(bells)(const vec *z, const vec *rest, NAME(power) *e)
{
    const double magic = 6755399441055744.0 + 1623.0; /* 1.5·2^52, and 600 + the exponent's bias */
    vec r[2], p[2];
    for (int v = 0; v < 2; v++) {
        vec h = -0.5 * z[v], a = h * z[v], more = PRODUCT_ERROR(h, z[v], a) - z[v] * rest[v];
        vec kept = VFMA(a, ALL(LOG2E), ALL(magic)), k = kept - magic;
        r[v] = VFMA(-k, ALL(LN2_LOW), a - k * LN2_HIGH) + more;
        e[v].scale = (vec)((mask)kept << 52);
    }
    NAME(polynomials)(EXP, 10, r, p);
    for (int v = 0; v < 2; v++) {
        vec s = VFMA(r[v] * r[v], p[v], r[v]);
        e[v].high = 1.0 + s;
        e[v].low = s - (e[v].high - 1.0);
    }
}

/* z = (x − mean)/sd as high + low */
static INLINE vec NAME(standardized)(const normal_call *call, int mode, const double *x,
                                     const double *low, vec *rest)
{
    vec v = LOAD(x);
    *rest = ALL(0.0);
    if (mode == NORMAL_TWO_WORDS) *rest = LOAD(low);
    if (mode != NORMAL_SHIFTED) return v;
    const vec shift = ALL(-call->mean), sd = ALL(call->sd), inverse = ALL(call->inverse_sd);
    vec d = v + shift, back = d - v, lost = (v - (d - back)) + (shift - back);
    vec z = d * inverse;
    *rest = (REMAINDER(d, z, sd) + lost) * inverse;
    return z;
}

/* z as high + low with the sign taken off; at most 40 */
static INLINE vec NAME(distance)(const normal_call *call, int mode, const double *x,
                                 const double *low, vec *rest, mask *negative)
{
    const mask sign = (mask){0} + INT64_MIN;
    vec l, z = NAME(standardized)(call, mode, x, low, &l);
    *negative = z < 0.0;
    vec size = (vec)((mask)z & ~sign);
    mask far = size > 40.0;
    *rest = (vec)(((mask)l ^ ((mask)z & sign)) & ~far);
    return SELECT(far, ALL(40.0), size);
}

static INLINE vec NAME(density)(const normal_call *call, NAME(power) e)
{
    vec p = VFMA(e.high, ALL(call->peak), VFMA(e.high, ALL(call->peak_low), e.low * call->peak));
    return p * e.scale;
}

/* P(X ≤ x), or P(X > x), from z, e = exp(−z²/2) and what z leaves out; `swap` takes the small tail */
static INLINE void NAME(tails)(const vec *z, const vec *rest, const NAME(power) *e,
                               const mask *swap, int near, vec *out)
{
    vec d[2], inverse[2], w[2], t[2], p[2];
    for (int v = 0; v < 2; v++) {
        d[v] = z[v] + 1.0;
        vec shifted = z[v] + 5.0, both = 1.0 / (shifted * d[v]);
        inverse[v] = shifted * both;
        w[v] = (z[v] + z[v]) * (d[v] * both);
        t[v] = near ? VFMA(w[v], ALL(NEAR_SCALE), ALL(-1.0)) : w[v] - 1.0;
    }
    if (near)
        NAME(polynomials)(TAIL_NEAR, 17, t, p);
    else
        NAME(polynomials)(TAIL, 24, t, p);
    for (int v = 0; v < 2; v++) {
        vec g = VFMA(w[v], p[v], ALL(0.5)), lost = (z[v] - (d[v] - 1.0)) + rest[v];
        /* e·g/d with the error of the product and of the quotient carried along */
        vec n = e[v].high * g, n_low = VFMA(e[v].low, g, PRODUCT_ERROR(e[v].high, g, n));
        vec q = n * inverse[v];
        q = VFMA(REMAINDER(n, q, d[v]) + VFMA(-q, lost, n_low), inverse[v], q);
        q = (q * 0x1p-600) * e[v].scale;
        out[v] = SELECT(swap[v], q, 1.0 - q);
    }
}

/* Numbers pass in strips. Two short loops over a strip, with what the first found in the nearest
 * cache, overlap better than one long one: the processor looks ahead over a limited number of steps.
 * `kind` and `mode` are known where this is compiled. */
static INLINE void NAME(strips)(const normal_call *given, int kind, int mode, const double *x,
                                const double *low, ptrdiff_t n, double *out)
{
    const normal_call call = *given; /* a copy that `out` cannot alias */
    const mask upper = (mask){0} - (kind == NORMAL_SF);
    double padded[3][STRIP] __attribute__((aligned(64)));
    for (ptrdiff_t i = 0; i < n; i += STRIP) {
        ptrdiff_t left = n - i < STRIP ? n - i : STRIP;
        const double *at = x + i, *also = mode == NORMAL_TWO_WORDS ? low + i : NULL;
        double *to = out + i;
        int vectors = STRIP / LANES;
        if (left < STRIP) {
            vectors = 2 * (int)((left + 2 * LANES - 1) / (2 * LANES));
            for (int k = (vectors - 2) * LANES; k < vectors * LANES; k++)
                padded[0][k] = padded[1][k] = 0.0; /* what fills up the last two vectors */
            memcpy(padded[0], at, sizeof(double) * (size_t)left);
            if (mode == NORMAL_TWO_WORDS) memcpy(padded[1], also, sizeof(double) * (size_t)left);
            at = padded[0];
            also = padded[1];
            to = padded[2];
        }
        vec z[STRIP / LANES], rest[STRIP / LANES];
        mask swap[STRIP / LANES];
        NAME(power) e[STRIP / LANES];
        mask beyond = {0};
        for (int k = 0; k < vectors; k += 2) {
            for (int v = k; v < k + 2; v++) {
                mask negative;
                z[v] = NAME(distance)(&call, mode, at + v * LANES, also + v * LANES, rest + v,
                                      &negative);
                swap[v] = negative ^ upper;
                beyond |= z[v] > NEAR_END;
                if (mode == NORMAL_PLAIN) rest[v] = ALL(0.0);
            }
            NAME(bells)(z + k, rest + k, e + k);
            for (int v = k; kind == NORMAL_PDF && v < k + 2; v++) {
                vec density = NAME(density)(&call, e[v]);
                STORE(to + v * LANES, density);
            }
        }
        int near = 1;
        for (int k = 0; k < LANES; k++) near &= !beyond[k];
        for (int k = 0; kind != NORMAL_PDF && near && k < vectors; k += 2) {
            vec q[2];
            NAME(tails)(z + k, rest + k, e + k, swap + k, 1, q);
            STORE(to + k * LANES, q[0]);
            STORE(to + (k + 1) * LANES, q[1]);
        }
        for (int k = 0; kind != NORMAL_PDF && !near && k < vectors; k += 2) {
            vec q[2];
            NAME(tails)(z + k, rest + k, e + k, swap + k, 0, q);
            STORE(to + k * LANES, q[0]);
            STORE(to + (k + 1) * LANES, q[1]);
        }
        if (left < STRIP) memcpy(out + i, to, sizeof(double) * (size_t)left);
    }
}

/* P(X ≤ z) of the z up to ROWS_END, a row of the table for each lane; for other z, anything */
static INLINE vec NAME(from_rows)(vec z, vec rest, mask near)
{
    const double magic = 6755399441055744.0 / ROWS_PER_SD; /* 1.5·2^52: its last digit is worth one row */
    const double *row[LANES];
    long long at[LANES];
    vec kept = z + magic, d = (z - (kept - magic)) + rest, c[8];
    mask rows = near & (mask)kept;
    memcpy(at, &rows, sizeof at);
    for (int lane = 0; lane < LANES; lane++) row[lane] = ROWS[ROWS_MIDDLE + (int32_t)at[lane]];
    for (int j = 0; j < 8; j += 2) COLUMNS(row, j, c[j], c[j + 1]);
    vec s = c[7];
    for (int j = 6; j >= 0; j--) s = VFMA(s, d, c[j]);
    return s;
}

/* Tails of the numbers up to ROWS_END; `where` takes the places of the others. Returns how many
 * these are. `count` is a multiple of LANES. */
static INLINE int NAME(middle)(const normal_call *call, int kind, int mode, const double *x,
                               const double *low, int count, double *out, int *where)
{
    const mask sign = (mask){0} + INT64_MIN;
    int others = 0;
    for (int k = 0; k < count; k += LANES) {
        vec rest, z = NAME(standardized)(call, mode, x + k, low + k, &rest);
        if (kind == NORMAL_SF) z = -z, rest = -rest;
        mask near = (vec)((mask)z & ~sign) <= ROWS_END;
        vec p = NAME(from_rows)(z, rest, near);
        STORE(out + k, p);
        int far = SIGNS(near) ^ ((1 << LANES) - 1);
        for (int lane = 0; far; lane++, far >>= 1) {
            where[others] = k + lane;
            others += far & 1;
        }
    }
    return others;
}

static void NAME(formulas)(const normal_call *call, const double *x, const double *low,
                           ptrdiff_t n, double *out)
{
#define CASE(kind_, mode_) \
    if (call->kind == kind_ && call->mode == mode_) \
        NAME(strips)(call, kind_, mode_, x, low, n, out)
#define MODES(kind_) \
    CASE(kind_, NORMAL_PLAIN); CASE(kind_, NORMAL_SHIFTED); CASE(kind_, NORMAL_TWO_WORDS)
    MODES(NORMAL_PDF);
    MODES(NORMAL_CDF);
    MODES(NORMAL_SF);
#undef CASE
}

/* Tails: those that are not in the table are put together and go through the formulas. Where they
 * are the majority, the next groups go there at once. */
static INLINE void NAME(tables)(const normal_call *given, int kind, int mode, const double *x,
                                const double *low, ptrdiff_t n, double *out)
{
    const normal_call call = *given; /* a copy that `out` cannot alias */
    double padded[3][GROUP], rare[3][GROUP];
    int where[GROUP + 1], spared = 0;
    for (ptrdiff_t i = 0; i < n; i += GROUP) {
        int count = n - i < GROUP ? (int)(n - i) : GROUP;
        const double *at = x + i, *also = mode == NORMAL_TWO_WORDS ? low + i : NULL;
        double *to = out + i;
        if (spared > 0) {
            NAME(formulas)(&call, at, also, count, to);
            spared--;
            continue;
        }
        int whole = count + (-count & (LANES - 1));
        if (whole > count) {
            for (int k = whole - LANES; k < whole; k++) padded[0][k] = padded[1][k] = 0.0;
            memcpy(padded[0], at, sizeof(double) * (size_t)count);
            if (mode == NORMAL_TWO_WORDS) memcpy(padded[1], also, sizeof(double) * (size_t)count);
            at = padded[0];
            also = padded[1];
            to = padded[2];
        }
        int others = NAME(middle)(&call, kind, mode, at, also, whole, to, where);
        while (others && where[others - 1] >= count) others--; /* what filled up the last vector */
        for (int k = 0; k < others; k++) {
            rare[0][k] = at[where[k]];
            if (mode == NORMAL_TWO_WORDS) rare[1][k] = also[where[k]];
        }
        if (others) NAME(formulas)(&call, rare[0], rare[1], others, rare[2]);
        for (int k = 0; k < others; k++) to[where[k]] = rare[2][k];
        if (whole > count) memcpy(out + i, to, sizeof(double) * (size_t)count);
        if (others > GROUP / 2) spared = 15;
    }
}

static void NAME(evaluate)(const normal_call *call, const double *x, const double *low, ptrdiff_t n,
                           double *out)
{
#define CASE(kind_, mode_) \
    if (call->kind == kind_ && call->mode == mode_) \
        NAME(tables)(call, kind_, mode_, x, low, n, out)
    if (call->kind == NORMAL_PDF) NAME(formulas)(call, x, low, n, out);
    MODES(NORMAL_CDF);
    MODES(NORMAL_SF);
#undef CASE
#undef MODES
}

#undef vec
#undef mask
#undef LOAD
#undef STORE
#undef ALL
#undef SELECT
#undef PRODUCT_ERROR
#undef REMAINDER
#undef LANES
#undef NAME
#undef VFMA
#undef HAS_FMA
#undef SIGNS
#undef COLUMNS
