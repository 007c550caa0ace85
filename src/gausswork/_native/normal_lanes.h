/* Density and tails of the normal distribution, written once and compiled for each instruction set.
 *
 * The including file defines LANES, NAME(x), VFMA(a, b, c) and HAS_FMA as for blocks.h. The formulas
 * and their error are those of gausswork/normal/formulas.py, which is what this is tested against.
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

/* z = (x − mean)/sd as high + low, both with the sign taken off; at most 40 */
static INLINE vec NAME(distance)(const normal_call *call, int mode, const double *x,
                                 const double *low, vec *rest, mask *negative)
{
    vec v = LOAD(x), z, l = ALL(0.0);
    const mask sign = (mask){0} + INT64_MIN;
    if (mode != NORMAL_SHIFTED) {
        z = v;
        if (mode == NORMAL_TWO_WORDS) l = LOAD(low);
    } else {
        const vec shift = ALL(-call->mean), sd = ALL(call->sd), inverse = ALL(call->inverse_sd);
        vec d = v + shift, back = d - v, lost = (v - (d - back)) + (shift - back);
        z = d * inverse;
        l = (REMAINDER(d, z, sd) + lost) * inverse;
    }
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

static void NAME(evaluate)(const normal_call *call, const double *x, const double *low, ptrdiff_t n,
                           double *out)
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
