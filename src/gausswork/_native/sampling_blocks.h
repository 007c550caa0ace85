/* Random words and what is made of them, written once and compiled for each instruction set.
 *
 * The including file defines LANES (64-bit lanes of a vector), NAME(x) (a suffix for the instruction
 * set) and
 *   MUL32(a, b)        products of the low halves of 64-bit lanes
 *   ODD32(a, b)        32-bit lanes: even ones of a, odd ones of b
 *   PICK32(m, a, b)    32-bit lanes: a where the sign bit of m is set, else b
 *   PICK64(m, a, b)    64-bit lanes alike
 *   SQRT32(a), SQRT64(a)
 * The arithmetic repeats gausswork.sampling.arithmetic operation by operation, so every instruction
 * set, and NumPy, gives the same bits. -ffp-contract=off is needed: a fused multiply-add rounds once
 * where NumPy rounds twice.
 */

typedef uint64_t NAME(u64v) __attribute__((vector_size(8 * LANES), may_alias));
typedef uint32_t NAME(u32v) __attribute__((vector_size(8 * LANES), may_alias));
typedef int32_t NAME(i32v) __attribute__((vector_size(8 * LANES), may_alias));
typedef float NAME(f32v) __attribute__((vector_size(8 * LANES), may_alias));
typedef double NAME(f64v) __attribute__((vector_size(8 * LANES), may_alias));
typedef float NAME(f32u) __attribute__((vector_size(8 * LANES), aligned(4), may_alias));
typedef double NAME(f64u) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
#define u64v NAME(u64v)
#define u32v NAME(u32v)
#define i32v NAME(i32v)
#define f32v NAME(f32v)
#define f64v NAME(f64v)
#define HALVES (2 * LANES) /* 32-bit lanes */

static inline u64v NAME(all64)(uint64_t v)
{
    u64v r;
    for (int i = 0; i < LANES; i++) r[i] = v;
    return r;
}
#define ALL64(v) NAME(all64)(v)

#if LANES == 2
static inline u64v NAME(pick64)(u64v m, u64v a, u64v b)
{
    u64v mask;
    for (int i = 0; i < LANES; i++) mask[i] = -(m[i] >> 63);
    return (a & mask) | (b & ~mask);
}
#endif

/* ------------------------------------------------------------------ Philox */

#define SETS_AT_ONCE 2 /* vectors of blocks in flight: one alone would wait for its products */

/* The rounds on SETS_AT_ONCE vectors of low block words. On return c[s][k] holds word k in the low
 * halves; the high halves hold anything. */
static inline __attribute__((always_inline)) void
NAME(rounds)(const philox_plan *p, const u64v *low, u64v c[][4])
{
    const u64v m0 = ALL64(M0), m1 = ALL64(M1);
    /* The first rounds know three of their four words beforehand: one product is left of each two. */
    const u64v a = ALL64(p->after0), b = ALL64(p->after1), e = ALL64(p->after2);
    for (int s = 0; s < SETS_AT_ONCE; s++) {
        u64v p0 = MUL32(low[s], m0);
        u64v p1 = MUL32((p0 >> 32) ^ a, m1);
        c[s][0] = (p1 >> 32) ^ b;
        c[s][1] = p1;
        c[s][2] = p0 ^ e;
    }
    const u64v f = ALL64(p->after3), k = ALL64(p->key[2][0]);
    for (int s = 0; s < SETS_AT_ONCE; s++) {
        u64v p0 = MUL32(c[s][0], m0), p1 = MUL32(c[s][2], m1);
        c[s][0] = (p1 >> 32) ^ c[s][1] ^ k;
        c[s][1] = p1;
        c[s][2] = (p0 >> 32) ^ f;
        c[s][3] = p0;
    }
    for (int round = 3; round < 10; round++) {
        const u64v k0 = ALL64(p->key[round][0]), k1 = ALL64(p->key[round][1]);
        for (int s = 0; s < SETS_AT_ONCE; s++) {
            u64v p0 = MUL32(c[s][0], m0), p1 = MUL32(c[s][2], m1);
            c[s][0] = (p1 >> 32) ^ (c[s][1] ^ k0);
            c[s][1] = p1;
            c[s][2] = (p0 >> 32) ^ (c[s][3] ^ k1);
            c[s][3] = p0;
        }
    }
}

/* The narrow words of a tile: out[16·k + j] is word k of block `low` + j */
static inline __attribute__((always_inline)) void
NAME(narrow_tile)(const philox_plan *p, uint32_t low, uint32_t *out)
{
    u64v even;
    for (int i = 0; i < LANES; i++) even[i] = low + 2u * (uint32_t)i;
    for (int from = 0; from < TILE; from += HALVES) {
        u64v start[2] = {even + ALL64((uint32_t)from), even + ALL64((uint32_t)from + 1)}, c[2][4];
        NAME(rounds)(p, start, c);
        for (int k = 0; k < 4; k++)
            *(u32v *)(out + TILE * k + from) = ODD32((u32v)c[0][k], (u32v)(c[1][k] << 32));
    }
}

/* The wide words of a tile: out[16·k + j] is pair k of block `low` + j */
static inline __attribute__((always_inline)) void
NAME(wide_tile)(const philox_plan *p, uint32_t low, uint64_t *out)
{
    u64v first;
    for (int i = 0; i < LANES; i++) first[i] = low + (uint32_t)i;
    for (int from = 0; from < TILE; from += 2 * LANES) {
        u64v start[2] = {first + ALL64((uint32_t)from), first + ALL64((uint32_t)(from + LANES))};
        u64v c[2][4];
        NAME(rounds)(p, start, c);
        for (int s = 0; s < 2; s++)
            for (int k = 0; k < 2; k++)
                *(u64v *)(out + TILE * k + from + s * LANES) =
                    (u64v)ODD32((u32v)c[s][2 * k + 1], (u32v)(c[s][2 * k] << 32));
    }
}

static void NAME(narrow_words)(const philox_plan *p, uint32_t low, int tiles, uint32_t *out)
{
    for (int t = 0; t < tiles; t++) NAME(narrow_tile)(p, low + TILE * (uint32_t)t, out + 4 * TILE * t);
}

static void NAME(wide_words)(const philox_plan *p, uint32_t low, int tiles, uint64_t *out)
{
    for (int t = 0; t < tiles; t++) NAME(wide_tile)(p, low + TILE * (uint32_t)t, out + 2 * TILE * t);
}

/* ------------------------------------------------------------------ float32 */

#define C32(v) ((f32v){} + (v)) /* a constant in all lanes */
#define I32(v) ((i32v){} + (v))
#define U32(v) ((u32v){} + (v))
#define C64(v) ((f64v){} + (v))
#define U64(v) ((u64v){} + (v))

static inline __attribute__((always_inline)) f32v NAME(twice_exponential32)(u32v w)
{
    f32v g = __builtin_convertvector((i32v)w, f32v) * C32(0x1p-32f) + C32(0x1p-33f);
    u32v bits = (u32v)g;
    f32v mantissa = (f32v)((bits & U32(0x007FFFFFu)) | U32(0x3F000000u));
    f32v f = (f32v)PICK32(w, (u32v)g, (u32v)(mantissa - C32(1.0f)));
    i32v halvings = (i32v)PICK32(w, U32(0), (u32v)(I32(126) - (i32v)(bits >> 23)));
    f32v s = f / (C32(2.0f) + f), z = s * s, q = C32(LOG32_4) * z;
    q = (q + C32(LOG32_3)) * z;
    q = (q + C32(LOG32_2)) * z;
    q = (q + C32(LOG32_1)) * z;
    q = q + C32(LOG32_0);
    return s * q + __builtin_convertvector(halvings, f32v) * C32(TWO_LN2_32);
}

static inline __attribute__((always_inline)) void
NAME(normal_pair32)(u32v radius, u32v angle, f32v *first, f32v *second)
{
    f32v r = SQRT32(NAME(twice_exponential32)(radius));
    f32v t = __builtin_convertvector((i32v)((angle << 2) | U32(2)), f32v) * C32(0x1p-32f);
    f32v y = t * t, s = C32(SIN32_3) * y, c = C32(COS32_3) * y;
    s = (s + C32(SIN32_2)) * y;
    c = (c + C32(COS32_2)) * y;
    s = (s + C32(SIN32_1)) * y;
    c = (c + C32(COS32_1)) * y;
    s = t * (s + C32(SIN32_0));
    c = c + C32(1.0f);
    c = (f32v)((u32v)c ^ ((angle << 1) & U32(0x80000000u)));
    *first = r * (f32v)PICK32(angle, (u32v)c, (u32v)s);
    *second = r * (f32v)PICK32(angle, (u32v)s, (u32v)c);
}

static void NAME(normal32)(const philox_plan *p, uint32_t low, int tiles, float mean, float sd, float *out)
{
    uint32_t words[4 * TILE] __attribute__((aligned(64)));
    int plain = mean == 0.0f && sd == 1.0f;
    for (int t = 0; t < tiles; t++, out += 4 * TILE) {
        NAME(narrow_tile)(p, low + TILE * (uint32_t)t, words);
        for (int k = 0; k < 4; k += 2)
            for (int j = 0; j < TILE; j += HALVES) {
                f32v a, b;
                NAME(normal_pair32)(*(u32v *)(words + TILE * k + j), *(u32v *)(words + TILE * (k + 1) + j), &a, &b);
                if (!plain) {
                    a = C32(mean) + C32(sd) * a;
                    b = C32(mean) + C32(sd) * b;
                }
                *(NAME(f32u) *)(out + TILE * k + j) = a;
                *(NAME(f32u) *)(out + TILE * (k + 1) + j) = b;
            }
    }
}

static void NAME(uniform32)(const philox_plan *p, uint32_t low, int tiles, float bottom, float width,
                            float last, float *out)
{
    uint32_t words[4 * TILE] __attribute__((aligned(64)));
    int plain = bottom == 0.0f && width == 1.0f;
    for (int t = 0; t < tiles; t++, out += 4 * TILE) {
        NAME(narrow_tile)(p, low + TILE * (uint32_t)t, words);
        for (int j = 0; j < 4 * TILE; j += HALVES) {
            f32v u = __builtin_convertvector((i32v)(*(u32v *)(words + j) >> 8), f32v) * C32(0x1p-24f);
            if (!plain) {
                u = C32(bottom) + C32(width) * u;
                u = (f32v)(((u32v)u & (u32v)(u < C32(last))) | ((u32v)C32(last) & ~(u32v)(u < C32(last))));
            }
            *(NAME(f32u) *)(out + j) = u;
        }
    }
}

/* ------------------------------------------------------------------ float64 */

static inline __attribute__((always_inline)) f64v NAME(twice_exponential64)(u64v w)
{
    f64v u = (f64v)((w >> 12) | U64(ONE_BITS)) - C64(1.0 - 0x1p-53);
    u64v bits = (u64v)u + U64(ONE_BITS - SQRT_HALF_BITS);
    f64v f = (f64v)((bits & U64(0x000FFFFFFFFFFFFFu)) + U64(SQRT_HALF_BITS)) - C64(1.0);
    /* 2⁵² + n, less 2⁵²: the exponent n as a number */
    f64v halvings = C64(1023.0) - ((f64v)((bits >> 52) | U64(0x4330000000000000u)) - C64(0x1p52));
    f64v s = f / (C64(2.0) + f), z = s * s, q = C64(LOG64_6) * z;
    q = (q + C64(LOG64_5)) * z;
    q = (q + C64(LOG64_4)) * z;
    q = (q + C64(LOG64_3)) * z;
    q = (q + C64(LOG64_2)) * z;
    q = (q + C64(LOG64_1)) * z;
    q = q + C64(LOG64_0);
    return s * q + halvings * C64(TWO_LN2_64);
}

static inline __attribute__((always_inline)) void
NAME(normal_pair64)(u64v radius, u64v angle, f64v *first, f64v *second)
{
    f64v r = SQRT64(NAME(twice_exponential64)(radius));
    f64v t = (f64v)(((angle << 2) >> 12) | U64(ONE_BITS | 1)) - C64(1.5);
    f64v y = t * t, s = C64(SIN64_6) * y, c = C64(COS64_6) * y;
    s = (s + C64(SIN64_5)) * y;
    c = (c + C64(COS64_5)) * y;
    s = (s + C64(SIN64_4)) * y;
    c = (c + C64(COS64_4)) * y;
    s = (s + C64(SIN64_3)) * y;
    c = (c + C64(COS64_3)) * y;
    s = (s + C64(SIN64_2)) * y;
    c = (c + C64(COS64_2)) * y;
    s = (s + C64(SIN64_1)) * y;
    c = (c + C64(COS64_1)) * y;
    s = t * (s + C64(SIN64_0));
    c = c + C64(1.0);
    c = (f64v)((u64v)c ^ ((angle << 1) & U64(0x8000000000000000u)));
    *first = r * (f64v)PICK64(angle, (u64v)c, (u64v)s);
    *second = r * (f64v)PICK64(angle, (u64v)s, (u64v)c);
}

static void NAME(normal64)(const philox_plan *p, uint32_t low, int tiles, double mean, double sd, double *out)
{
    uint64_t words[2 * TILE] __attribute__((aligned(64)));
    int plain = mean == 0.0 && sd == 1.0;
    for (int t = 0; t < tiles; t++, out += 2 * TILE) {
        NAME(wide_tile)(p, low + TILE * (uint32_t)t, words);
        for (int j = 0; j < TILE; j += LANES) {
            f64v a, b;
            NAME(normal_pair64)(*(u64v *)(words + j), *(u64v *)(words + TILE + j), &a, &b);
            if (!plain) {
                a = C64(mean) + C64(sd) * a;
                b = C64(mean) + C64(sd) * b;
            }
            *(NAME(f64u) *)(out + j) = a;
            *(NAME(f64u) *)(out + TILE + j) = b;
        }
    }
}

static void NAME(uniform64)(const philox_plan *p, uint32_t low, int tiles, double bottom, double width,
                            double last, double *out)
{
    uint64_t words[2 * TILE] __attribute__((aligned(64)));
    int plain = bottom == 0.0 && width == 1.0;
    for (int t = 0; t < tiles; t++, out += 2 * TILE) {
        NAME(wide_tile)(p, low + TILE * (uint32_t)t, words);
        for (int j = 0; j < 2 * TILE; j += LANES) {
            u64v w = *(u64v *)(words + j);
            /* 52 bits as 1 + u, less 1, or less 1 − 2⁻⁵³ where the 53rd bit is set */
            f64v u = (f64v)((w >> 12) | U64(ONE_BITS)) - (f64v)(U64(ONE_BITS) - ((w >> 11) & U64(1)));
            if (!plain) {
                u = C64(bottom) + C64(width) * u;
                u = (f64v)(((u64v)u & (u64v)(u < C64(last))) | ((u64v)C64(last) & ~(u64v)(u < C64(last))));
            }
            *(NAME(f64u) *)(out + j) = u;
        }
    }
}

/* Candidates for one vector of pairs, for truncated normals: twice the exponential of each word */
static void NAME(twice_exponentials)(const uint64_t *words, int count, double *out)
{
    for (int j = 0; j < count; j += LANES)
        *(NAME(f64u) *)(out + j) = NAME(twice_exponential64)(*(const u64v *)(words + j));
}

static void NAME(first_normals)(const uint64_t *radius, const uint64_t *angle, int count, double *out)
{
    for (int j = 0; j < count; j += LANES) {
        f64v a, b;
        NAME(normal_pair64)(*(const u64v *)(radius + j), *(const u64v *)(angle + j), &a, &b);
        *(NAME(f64u) *)(out + j) = a;
    }
}

/* ------------------------------------------------------------------ whole numbers */

/* out = low + high half of word·span, as whole numbers of `size` bytes; whether any word is rejected */
#define SCALED(type) do { \
        type *to = out; \
        for (int i = 0; i < count; i++) { \
            uint64_t product = (uint64_t)words[i] * span; \
            rejected |= (uint32_t)product < threshold; \
            to[i] = (type)(low + (product >> 32)); \
        } } while (0)
static int NAME(scaled_narrow)(const uint32_t *words, int count, uint64_t low, uint32_t span,
                               uint32_t threshold, int size, void *out)
{
    uint32_t rejected = 0;
    if (size == 1) SCALED(uint8_t);
    else if (size == 2) SCALED(uint16_t);
    else if (size == 4) SCALED(uint32_t);
    else SCALED(uint64_t);
    return (int)rejected;
}
#undef SCALED

/* out = word < threshold; whether any word equals it */
static int NAME(below)(const uint32_t *words, int count, uint32_t threshold, uint8_t *out)
{
    uint32_t equal = 0;
    for (int i = 0; i < count; i++) {
        equal |= words[i] == threshold;
        out[i] = words[i] < threshold;
    }
    return (int)equal;
}

static const samplers NAME(samplers) = {
    NAME(narrow_words), NAME(wide_words), NAME(normal32), NAME(normal64), NAME(uniform32),
    NAME(uniform64), NAME(twice_exponentials), NAME(first_normals), NAME(scaled_narrow), NAME(below),
};

#undef u64v
#undef u32v
#undef i32v
#undef f32v
#undef f64v
#undef HALVES
#undef ALL64
#undef SETS_AT_ONCE
#undef C32
#undef I32
#undef U32
#undef C64
#undef U64
