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

/* Four chains, of every fourth power each: a chain of all powers would be waited for */
static INLINE vec NAME(polynomial)(const double *c, int degree, vec t)
{
    vec s = t * t, u = s * s, chain[4];
    for (int j = 0; j < 4; j++) {
        int k = j + (degree - j) / 4 * 4;
        chain[j] = ALL(c[k]);
        while ((k -= 4) >= 0) chain[j] = VFMA(chain[j], u, ALL(c[k]));
    }
    return VFMA(VFMA(chain[3], t, chain[2]), s, VFMA(chain[1], t, chain[0]));
}

typedef struct { vec high, low, scale; } NAME(power);

/* exp(a + rest) for −800 ≤ a ≤ 0 as (high + low)·scale·2^-600: the last factor is left to the caller,
 * so that a result below 2^-1022 is rounded once */
static INLINE NAME(power) NAME(exponential)(vec a, vec rest)
{
    const double magic = 6755399441055744.0 + 1623.0; /* 1.5·2^52, and 600 + the exponent's bias */
    vec kept = VFMA(a, ALL(LOG2E), ALL(magic)), k = kept - magic;
    vec r = VFMA(-k, ALL(LN2_LOW), a - k * LN2_HIGH) + rest;
    vec s = VFMA(r * r, NAME(polynomial)(EXP, 10, r), r);
    NAME(power) e;
    e.high = 1.0 + s;
    e.low = s - (e.high - 1.0);
    e.scale = (vec)((mask)kept << 52);
    return e;
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

static INLINE NAME(power) NAME(bell)(vec z, vec rest)
{
    vec h = -0.5 * z, a = h * z;
    return NAME(exponential)(a, PRODUCT_ERROR(h, z, a) - z * rest);
}

static INLINE vec NAME(density)(const normal_call *call, NAME(power) e)
{
    vec p = VFMA(e.high, ALL(call->peak), VFMA(e.high, ALL(call->peak_low), e.low * call->peak));
    return p * e.scale;
}

/* P(X ≤ x), or P(X > x) where `upper` is all ones, from z, e = exp(−z²/2) and what z leaves out */
static INLINE vec NAME(tail)(vec z, vec rest, NAME(power) e, mask swap)
{
    vec d = z + 1.0, lost = (z - (d - 1.0)) + rest;
    vec shifted = z + 5.0, both = 1.0 / (shifted * d), inverse = shifted * both;
    vec w = (z + z) * (d * both);
    vec g = VFMA(w, NAME(polynomial)(TAIL, 24, w - 1.0), ALL(0.5));
    /* e·g/d with the error of the product and of the quotient carried along */
    vec n = e.high * g, n_low = VFMA(e.low, g, PRODUCT_ERROR(e.high, g, n));
    vec q = n * inverse;
    q = VFMA(REMAINDER(n, q, d) + VFMA(-q, lost, n_low), inverse, q);
    q = (q * 0x1p-600) * e.scale;
    return SELECT(swap, q, 1.0 - q);
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
            vectors = (int)((left + LANES - 1) / LANES);
            for (int k = 0; k < LANES; k++) /* what pads the last vector */
                padded[0][(vectors - 1) * LANES + k] = padded[1][(vectors - 1) * LANES + k] = 0.0;
            memcpy(padded[0], at, sizeof(double) * (size_t)left);
            if (mode == NORMAL_TWO_WORDS) memcpy(padded[1], also, sizeof(double) * (size_t)left);
            at = padded[0];
            also = padded[1];
            to = padded[2];
        }
        vec z[STRIP / LANES], rest[STRIP / LANES];
        mask swap[STRIP / LANES];
        NAME(power) e[STRIP / LANES];
        for (int k = 0; k < vectors; k++) {
            mask negative;
            z[k] = NAME(distance)(&call, mode, at + k * LANES, also + k * LANES, rest + k, &negative);
            e[k] = NAME(bell)(z[k], rest[k]);
            if (kind == NORMAL_PDF) {
                vec density = NAME(density)(&call, e[k]);
                STORE(to + k * LANES, density);
            }
            swap[k] = negative ^ upper;
        }
        for (int k = 0; kind != NORMAL_PDF && k < vectors; k++) {
            vec q = NAME(tail)(z[k], mode == NORMAL_PLAIN ? ALL(0.0) : rest[k], e[k], swap[k]);
            STORE(to + k * LANES, q);
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
