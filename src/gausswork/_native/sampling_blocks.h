/* Random words and what is made of them, written once and compiled for each instruction set.
 *
 * The including file defines LANES (64-bit lanes of a vector), NAME(x) (a suffix for the instruction
 * set) and
 *   MUL32(a, b)        products of the low halves of 64-bit lanes
 *   ODD32(a, b)        32-bit lanes: even ones of a, odd ones of b
 *   PICK32(m, a, b)    32-bit lanes: a where the sign bit of m is set, else b
 *   PICK64(m, a, b)    64-bit lanes alike
 *   SQRT32(a), SQRT64(a)
 *   XOR(a, words)      a, and a vector that lies in memory
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

#define ALL64(v) ((u64v){} + (v)) /* in all lanes */

#if LANES == 2
static inline u64v NAME(pick64)(u64v m, u64v a, u64v b)
{
    u64v mask;
    for (int i = 0; i < LANES; i++) mask[i] = -(m[i] >> 63);
    return (a & mask) | (b & ~mask);
}
#endif

/* ------------------------------------------------------------------ Philox */

#define SIDE 2 /* vectors that wait for nothing of each other, side by side */
#define GROUP32 16
#define GROUP64 16
#define AT_ONCE (LANES == 8 ? 2 : 4) /* vectors of blocks: one alone would wait for its products */

/* The rounds on AT_ONCE vectors of low block words. On return c[s][1] holds 2³²·word 0 + word 1 but
 * for what must be added (modulo 2) to word 0, which is in the low halves of c[s][0]; c[s][3] and c[s][2]
 * alike. */
static inline __attribute__((always_inline)) void
NAME(rounds)(const philox_plan *p, const u64v *low, u64v c[][4])
{
    const u64v m0 = ALL64(M0), m1 = ALL64(M1);
#define SETS for (int s = 0; s < AT_ONCE; s++)
    /* The first rounds know three of their four words beforehand: one product is left of each two. */
    SETS {
        u64v p0 = MUL32(low[s], m0);
        u64v p1 = MUL32(XOR(p0 >> 32, p->known[0]), m1);
        c[s][0] = XOR(p1 >> 32, p->known[1]);
        c[s][1] = p1;
        c[s][2] = XOR(p0, p->known[2]);
    }
    SETS {
        u64v p0 = MUL32(c[s][0], m0), p1 = MUL32(c[s][2], m1);
        c[s][0] = (p1 >> 32) ^ XOR(c[s][1], p->key[2][0]);
        c[s][1] = p1;
        c[s][2] = XOR(p0 >> 32, p->known[3]);
        c[s][3] = p0;
    }
#pragma GCC unroll 6
    for (int round = 3; round < 9; round++) SETS {
        u64v p0 = MUL32(c[s][0], m0), p1 = MUL32(c[s][2], m1);
        c[s][0] = (p1 >> 32) ^ XOR(c[s][1], p->key[round][0]);
        c[s][1] = p1;
        c[s][2] = (p0 >> 32) ^ XOR(c[s][3], p->key[round][1]);
        c[s][3] = p0;
    }
    SETS {
        u64v p0 = MUL32(c[s][0], m0), p1 = MUL32(c[s][2], m1);
        c[s][0] = XOR(c[s][1], p->key[9][0]);
        c[s][1] = p1;
        c[s][2] = XOR(c[s][3], p->key[9][1]);
        c[s][3] = p0;
    }
#undef SETS
}

/* The narrow words of a tile: out[16·k + j] is word k of block `low` + j */
static inline __attribute__((always_inline)) void
NAME(narrow_tile)(const philox_plan *p, uint32_t low, uint32_t *out)
{
    u64v start[AT_ONCE], c[AT_ONCE][4];
    for (int from = 0; from < TILE; from += AT_ONCE * LANES) {
        for (int s = 0; s < AT_ONCE; s++) /* even blocks in one vector, odd ones in the next */
            start[s] = ALL64((uint64_t)low + (uint64_t)(from + s / 2 * HALVES + s % 2)) + 2 * *(const u64v *)ramp;
        NAME(rounds)(p, start, c);
        for (int s = 0; s < AT_ONCE; s += 2)
            for (int k = 0; k < 4; k += 2) {
                u64v a = c[s][k + 1], b = c[s + 1][k + 1]; /* products: word k above, k + 1 below */
                uint32_t *to = out + TILE * k + from + s * LANES;
                *(u32v *)to = ODD32((u32v)(a >> 32), (u32v)b) ^ ODD32((u32v)c[s][k], (u32v)(c[s + 1][k] << 32));
                *(u32v *)(to + TILE) = ODD32((u32v)a, (u32v)(b << 32));
            }
    }
}

/* The wide words of a tile: out[16·k + j] is pair k of block `low` + j */
static inline __attribute__((always_inline)) void
NAME(wide_tile)(const philox_plan *p, uint32_t low, uint64_t *out)
{
    u64v start[AT_ONCE], c[AT_ONCE][4];
    for (int from = 0; from < TILE; from += AT_ONCE * LANES) {
        for (int s = 0; s < AT_ONCE; s++)
            start[s] = ALL64((uint64_t)low + (uint64_t)(from + s * LANES)) + *(const u64v *)ramp;
        NAME(rounds)(p, start, c);
        for (int s = 0; s < AT_ONCE; s++)
            for (int k = 0; k < 2; k++)
                *(u64v *)(out + TILE * k + from + s * LANES) = c[s][2 * k + 1] ^ (c[s][2 * k] << 32);
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

static inline __attribute__((always_inline)) void
NAME(reduced32)(u32v w, f32v *ratio, f32v *halved)
{
    f32v g = __builtin_convertvector((i32v)w, f32v) * C32(0x1p-32f) + C32(0x1p-33f);
    u32v bits = (u32v)g;
    f32v mantissa = (f32v)((bits & U32(0x007FFFFFu)) | U32(0x3F000000u));
    f32v f = (f32v)PICK32(w, (u32v)g, (u32v)(mantissa - C32(1.0f)));
    i32v halvings = (i32v)PICK32(w, U32(0), (u32v)(I32(126) - (i32v)(bits >> 23)));
    *ratio = f / (C32(2.0f) + f);
    *halved = __builtin_convertvector(halvings, f32v) * C32(TWO_LN2_32);
}

static inline __attribute__((always_inline)) f32v NAME(logarithm32)(f32v s, f32v halved)
{
    f32v z = s * s, q = C32(LOG32_4) * z;
    q = (q + C32(LOG32_3)) * z;
    q = (q + C32(LOG32_2)) * z;
    q = (q + C32(LOG32_1)) * z;
    q = q + C32(LOG32_0);
    return s * q + halved;
}

static inline __attribute__((always_inline)) void
NAME(turned32)(f32v square, u32v angle, f32v *first, f32v *second)
{
    f32v r = SQRT32(square);
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

/* Ask for memory that is about to be written */
static inline void NAME(soon)(const void *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)at + i, 1, 3);
}

static void NAME(normal32)(const philox_plan *p, uint32_t low, int tiles, float mean, float sd, float *out)
{
    uint32_t words[GROUP32][4][TILE] __attribute__((aligned(64)));
    float ratio[GROUP32][2][TILE] __attribute__((aligned(64)));
    float square[GROUP32][2][TILE] __attribute__((aligned(64)));
    int plain = mean == 0.0f && sd == 1.0f;
    for (int from = 0; from < tiles; from += GROUP32) {
        int count = tiles - from < GROUP32 ? tiles - from : GROUP32;
        for (int t = 0; t < count; t++) {
            NAME(soon)(out + 4 * TILE * t, 4 * TILE * sizeof *out);
            NAME(narrow_tile)(p, low + TILE * (uint32_t)(from + t), words[t][0]);
        }
        for (int t = 0; t < count; t++)
            for (int k = 0; k < 2; k++)
                for (int j = 0; j < TILE; j += HALVES)
                    NAME(reduced32)(*(u32v *)(words[t][2 * k] + j), (f32v *)(ratio[t][k] + j), (f32v *)(square[t][k] + j));
        for (int t = 0; t < count; t++)
            for (int k = 0; k < 2; k++)
                for (int j = 0; j < TILE; j += HALVES)
                    *(f32v *)(square[t][k] + j) = NAME(logarithm32)(*(f32v *)(ratio[t][k] + j), *(f32v *)(square[t][k] + j));
        for (int t = 0; t < count; t++, out += 4 * TILE)
            for (int k = 0; k < 2; k++)
                for (int j = 0; j < TILE; j += HALVES) {
                    f32v a, b;
                    NAME(turned32)(*(f32v *)(square[t][k] + j), *(u32v *)(words[t][2 * k + 1] + j), &a, &b);
                    if (!plain) {
                        a = C32(mean) + C32(sd) * a;
                        b = C32(mean) + C32(sd) * b;
                    }
                    *(NAME(f32u) *)(out + TILE * 2 * k + j) = a;
                    *(NAME(f32u) *)(out + TILE * (2 * k + 1) + j) = b;
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

static inline __attribute__((always_inline)) void
NAME(reduced64)(u64v w, f64v *ratio, f64v *halved)
{
    f64v u = (f64v)((w >> 12) | U64(ONE_BITS)) - C64(1.0 - 0x1p-53);
    u64v bits = (u64v)u + U64(ONE_BITS - SQRT_HALF_BITS);
    f64v f = (f64v)((bits & U64(0x000FFFFFFFFFFFFFu)) + U64(SQRT_HALF_BITS)) - C64(1.0);
    /* with the exponent of 2⁵², whole numbers are their own bits */
    f64v halvings = C64(0x1p52 + 1023.0) - (f64v)((bits >> 52) | U64(0x4330000000000000u));
    *ratio = f / (C64(2.0) + f);
    *halved = halvings * C64(TWO_LN2_64);
}

/* q = q·z + coefficient is one link of a chain that waits for itself: SIDE chains are kept going */
#define EACH for (int v = 0; v < SIDE; v++)

static inline __attribute__((always_inline)) void NAME(logarithms64)(const f64v *s, f64v *halved)
{
    f64v z[SIDE], q[SIDE];
    EACH z[v] = s[v] * s[v];
    EACH q[v] = C64(LOG64_6) * z[v];
    EACH q[v] = (q[v] + C64(LOG64_5)) * z[v];
    EACH q[v] = (q[v] + C64(LOG64_4)) * z[v];
    EACH q[v] = (q[v] + C64(LOG64_3)) * z[v];
    EACH q[v] = (q[v] + C64(LOG64_2)) * z[v];
    EACH q[v] = (q[v] + C64(LOG64_1)) * z[v];
    EACH q[v] = q[v] + C64(LOG64_0);
    EACH halved[v] = s[v] * q[v] + halved[v];
}

static inline __attribute__((always_inline)) void
NAME(turned64)(const f64v *square, const u64v *angle, f64v *first, f64v *second)
{
    f64v r[SIDE], t[SIDE], y[SIDE], s[SIDE], c[SIDE];
    EACH r[v] = SQRT64(square[v]);
    /* bits 62 and 63 fall on bits of the exponent that are set anyway */
    EACH t[v] = (f64v)((angle[v] >> 10) | U64(ONE_BITS | 1)) - C64(1.5);
    EACH y[v] = t[v] * t[v];
    EACH s[v] = C64(SIN64_6) * y[v], c[v] = C64(COS64_6) * y[v];
    EACH s[v] = (s[v] + C64(SIN64_5)) * y[v], c[v] = (c[v] + C64(COS64_5)) * y[v];
    EACH s[v] = (s[v] + C64(SIN64_4)) * y[v], c[v] = (c[v] + C64(COS64_4)) * y[v];
    EACH s[v] = (s[v] + C64(SIN64_3)) * y[v], c[v] = (c[v] + C64(COS64_3)) * y[v];
    EACH s[v] = (s[v] + C64(SIN64_2)) * y[v], c[v] = (c[v] + C64(COS64_2)) * y[v];
    EACH s[v] = (s[v] + C64(SIN64_1)) * y[v], c[v] = (c[v] + C64(COS64_1)) * y[v];
    EACH s[v] = t[v] * (s[v] + C64(SIN64_0)), c[v] = c[v] + C64(1.0);
    EACH c[v] = (f64v)((u64v)c[v] ^ ((angle[v] << 1) & U64(0x8000000000000000u)));
    EACH first[v] = r[v] * (f64v)PICK64(angle[v], (u64v)c[v], (u64v)s[v]);
    EACH second[v] = r[v] * (f64v)PICK64(angle[v], (u64v)s[v], (u64v)c[v]);
}

static void NAME(normal64)(const philox_plan *p, uint32_t low, int tiles, double mean, double sd, double *out)
{
    uint64_t words[GROUP64][2 * TILE] __attribute__((aligned(64)));
    double ratio[GROUP64][TILE] __attribute__((aligned(64)));
    double square[GROUP64][TILE] __attribute__((aligned(64)));
    int plain = mean == 0.0 && sd == 1.0;
    for (int from = 0; from < tiles; from += GROUP64) {
        int count = tiles - from < GROUP64 ? tiles - from : GROUP64;
        for (int t = 0; t < count; t++) {
            NAME(soon)(out + 2 * TILE * t, 2 * TILE * sizeof *out);
            NAME(wide_tile)(p, low + TILE * (uint32_t)(from + t), words[t]);
            for (int j = 0; j < TILE; j += LANES)
                NAME(reduced64)(*(u64v *)(words[t] + j), (f64v *)(ratio[t] + j), (f64v *)(square[t] + j));
        }
        for (int t = 0; t < count; t++)
            for (int j = 0; j < TILE; j += SIDE * LANES)
                NAME(logarithms64)((f64v *)(ratio[t] + j), (f64v *)(square[t] + j));
        for (int t = 0; t < count; t++, out += 2 * TILE)
            for (int j = 0; j < TILE; j += SIDE * LANES) {
                f64v a[SIDE], b[SIDE];
                NAME(turned64)((f64v *)(square[t] + j), (u64v *)(words[t] + TILE + j), a, b);
                if (!plain) {
                    EACH a[v] = C64(mean) + C64(sd) * a[v];
                    EACH b[v] = C64(mean) + C64(sd) * b[v];
                }
                EACH *(NAME(f64u) *)(out + j + v * LANES) = a[v];
                EACH *(NAME(f64u) *)(out + TILE + j + v * LANES) = b[v];
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

/* Twice the exponential of each word; `count` is a multiple of 16, and out may be used as it comes */
static void NAME(twice_exponentials)(const uint64_t *words, int count, double *out)
{
    for (int j = 0; j < count; j += SIDE * LANES) {
        f64v ratio[SIDE], halved[SIDE];
        EACH NAME(reduced64)(*(const u64v *)(words + j + v * LANES), ratio + v, halved + v);
        NAME(logarithms64)(ratio, halved);
        EACH *(NAME(f64u) *)(out + j + v * LANES) = halved[v];
    }
}

/* The first normal of each pair of words; `count` as above */
static void NAME(first_normals)(const uint64_t *radius, const uint64_t *angle, int count, double *out)
{
    NAME(twice_exponentials)(radius, count, out);
    for (int j = 0; j < count; j += SIDE * LANES) {
        f64v square[SIDE], a[SIDE], b[SIDE];
        EACH square[v] = *(NAME(f64u) *)(out + j + v * LANES);
        NAME(turned64)(square, (const u64v *)(angle + j), a, b);
        EACH *(NAME(f64u) *)(out + j + v * LANES) = a[v];
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
#undef AT_ONCE
#undef SIDE
#undef EACH
#undef GROUP32
#undef GROUP64
#undef C32
#undef I32
#undef U32
#undef C64
#undef U64
