/* The compiled samplers of gausswork: what Python calls, and which instruction set answers.
 *
 * The definition of the bits is in gausswork/sampling/words.py and arithmetic.py; this file and
 * sampling_blocks.h repeat it, and every instruction set gives the same bits. Everything passes
 * through the buffer protocol and the limited API, as in module.c; the calls release the GIL and keep
 * no state but the choice of the instruction set.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__)
#error "the compiled samplers need GCC or Clang; without them plain NumPy serves"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0
#error "float arithmetic must round to float: without it the bits would differ"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "written for little-endian machines; plain NumPy serves the others"
#endif

#define M0 0xD2511F53u
#define M1 0xCD9E8D57u
#define TILE 16 /* blocks */
#define ATTEMPTS 256
#define BATCH 16 /* tiles of words at a time */
#define ONE_BITS 0x3FF0000000000000u
#define SQRT_HALF_BITS 0x3FE6A09E667F3BCDu

/* The polynomials of arithmetic.py */
#define LOG32_0 -0x1p+2f
#define LOG32_1 -0x1.5554ep+0f
#define LOG32_2 -0x1.99dae6p-1f
#define LOG32_3 -0x1.1e510cp-1f
#define LOG32_4 -0x1.208bcep-1f
#define SIN32_0 0x1.921fb6p+0f
#define SIN32_1 -0x1.4abbbap-1f
#define SIN32_2 0x1.465e92p-4f
#define SIN32_3 -0x1.2d9302p-8f
#define COS32_0 0x1p+0f
#define COS32_1 -0x1.3bd39cp+0f
#define COS32_2 0x1.03b09p-2f
#define COS32_3 -0x1.4e8448p-6f
#define LOG64_0 -0x1.0000000000001p+2
#define LOG64_1 -0x1.5555555552d12p+0
#define LOG64_2 -0x1.999999a4411b1p-1
#define LOG64_3 -0x1.249240b192f08p-1
#define LOG64_4 -0x1.c722d07583f97p-2
#define LOG64_5 -0x1.7322b5fa02f1dp-2
#define LOG64_6 -0x1.58da8e9d115aap-2
#define SIN64_0 0x1.921fb54442d18p+0
#define SIN64_1 -0x1.4abbce625be41p-1
#define SIN64_2 0x1.466bc677587p-4
#define SIN64_3 -0x1.32d2cce2d538ap-8
#define SIN64_4 0x1.50782fca3af0ap-13
#define SIN64_5 -0x1.e30063a1b8cp-19
#define SIN64_6 0x1.e3eed62bb5018p-25
#define COS64_0 0x1p+0
#define COS64_1 -0x1.3bd3cc9be459dp+0
#define COS64_2 0x1.03c1f081b0e29p-2
#define COS64_3 -0x1.55d3c7dc3de9p-6
#define COS64_4 0x1.e1f4fb844ce38p-11
#define COS64_5 -0x1.a6c9ca52d684fp-16
#define COS64_6 0x1.f3dcf015d0594p-22
#define TWO_LN2_32 0x1.62e43p+0f
#define TWO_LN2_64 0x1.62e42fefa39efp+0

/* ------------------------------------------------------------------ Philox4x32-10 */

typedef struct { /* what the blocks of one seed, stream, purpose and high half have in common */
    uint64_t key[10][2][8]; /* eight times: a vector of any length can be read */
    uint64_t known[4][8];   /* the words that the first rounds know beforehand */
} __attribute__((aligned(64))) philox_plan;

typedef struct {
    uint64_t seed, stream;
    uint32_t purpose;
} source;

static uint32_t high(uint64_t v) { return (uint32_t)(v >> 32); }

static void philox_plan_for(philox_plan *p, const source *s, uint32_t block_high)
{
    uint32_t k0 = (uint32_t)s->seed, k1 = high(s->seed), key[10][2];
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
        key[round][0] = k0, key[round][1] = k1;
    uint32_t c1 = block_high | s->purpose << 24, c2 = (uint32_t)s->stream, c3 = high(s->stream);
    uint64_t p1 = (uint64_t)c2 * M1, p0 = (uint64_t)(high(p1) ^ c1 ^ key[0][0]) * M0;
    const uint32_t known[4] = {c3 ^ key[0][1], (uint32_t)p1 ^ key[1][0], high(p0) ^ key[1][1],
                               (uint32_t)p0 ^ key[2][1]};
    for (int lane = 0; lane < 8; lane++) {
        for (int i = 0; i < 4; i++) p->known[i][lane] = known[i];
        for (int round = 0; round < 10; round++)
            for (int i = 0; i < 2; i++) p->key[round][i][lane] = key[round][i];
    }
}

static void philox(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        uint64_t p0 = (uint64_t)c[0] * M0, p1 = (uint64_t)c[2] * M1;
        c[0] = high(p1) ^ c[1] ^ k0;
        c[1] = (uint32_t)p1;
        c[2] = high(p0) ^ c[3] ^ k1;
        c[3] = (uint32_t)p0;
    }
}

/* The two wide words of one block */
static void block_pairs(const source *s, uint64_t block, uint32_t attempt, uint64_t out[2])
{
    uint32_t c[4] = {(uint32_t)block, high(block) | attempt << 16 | s->purpose << 24,
                     (uint32_t)s->stream, high(s->stream)};
    philox(c, (uint32_t)s->seed, high(s->seed));
    out[0] = (uint64_t)c[0] << 32 | c[1];
    out[1] = (uint64_t)c[2] << 32 | c[3];
}

/* ------------------------------------------------------------------ instruction sets */

static const uint64_t ramp[8] __attribute__((aligned(64))) = {0, 1, 2, 3, 4, 5, 6, 7};

typedef struct {
    void (*narrow_words)(const philox_plan *, uint32_t low, int tiles, uint32_t *out);
    void (*wide_words)(const philox_plan *, uint32_t low, int tiles, uint64_t *out);
    void (*normal32)(const philox_plan *, uint32_t low, int tiles, float mean, float sd, float *out);
    void (*normal64)(const philox_plan *, uint32_t low, int tiles, double mean, double sd, double *out);
    void (*uniform32)(const philox_plan *, uint32_t low, int tiles, float bottom, float width,
                      float last, float *out);
    void (*uniform64)(const philox_plan *, uint32_t low, int tiles, double bottom, double width,
                      double last, double *out);
    void (*twice_exponentials)(const uint64_t *words, int count, double *out);
    void (*first_normals)(const uint64_t *radius, const uint64_t *angle, int count, double *out);
    int (*scaled_narrow)(const uint32_t *words, int count, uint64_t low, uint32_t span,
                         uint32_t threshold, int size, void *out);
    int (*below)(const uint32_t *words, int count, uint32_t threshold, uint8_t *out);
} samplers;

#define LANES 2
#define NAME(x) x##_baseline
#if defined(__x86_64__)
#include <immintrin.h>
#define MUL32(a, b) ((u64v)_mm_mul_epu32((__m128i)(a), (__m128i)(b)))
#define SQRT32(a) ((f32v)_mm_sqrt_ps((__m128)(a)))
#define SQRT64(a) ((f64v)_mm_sqrt_pd((__m128d)(a)))
#elif defined(__aarch64__)
#include <arm_neon.h>
#define MUL32(a, b) ((u64v)vmull_u32(vmovn_u64((uint64x2_t)(a)), vmovn_u64((uint64x2_t)(b))))
#define SQRT32(a) ((f32v)vsqrtq_f32((float32x4_t)(a)))
#define SQRT64(a) ((f64v)vsqrtq_f64((float64x2_t)(a)))
#else
#include <math.h>
#define MUL32(a, b) (((a) & 0xFFFFFFFFu) * ((b) & 0xFFFFFFFFu))
#define SQRT32(a) ((f32v){sqrtf((a)[0]), sqrtf((a)[1]), sqrtf((a)[2]), sqrtf((a)[3])})
#define SQRT64(a) ((f64v){sqrt((a)[0]), sqrt((a)[1])})
#endif
#define ODD32(a, b) ((u32v)(((u64v)(a) & 0xFFFFFFFFu) | ((u64v)(b) & 0xFFFFFFFF00000000u)))
#define PICK32(m, a, b) (((a) & (u32v)((i32v)(m) < 0)) | ((b) & ~(u32v)((i32v)(m) < 0)))
#define PICK64(m, a, b) NAME(pick64)((m), (a), (b))
#define XOR(a, words) ((a) ^ *(const u64v *)(words))
#include "sampling_blocks.h"
#undef LANES
#undef NAME
#undef MUL32
#undef SQRT32
#undef SQRT64
#undef ODD32
#undef PICK32
#undef PICK64
#undef XOR

#if defined(__x86_64__)
#if defined(__clang__)
#define TARGET_AVX2 _Pragma("clang attribute push(__attribute__((target(\"avx2\"))), apply_to = function)")
#define TARGET_AVX512 _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512dq,avx512vl,avx512bw,avx2\"))), apply_to = function)")
#define TARGET_END _Pragma("clang attribute pop")
#else
#define TARGET_AVX2 _Pragma("GCC push_options") _Pragma("GCC target(\"avx2\")")
#define TARGET_AVX512 _Pragma("GCC push_options") _Pragma("GCC target(\"avx512f,avx512dq,avx512vl,avx512bw,avx2,prefer-vector-width=512\")")
#define TARGET_END _Pragma("GCC pop_options")
#endif

TARGET_AVX2
#define LANES 4
#define NAME(x) x##_avx2
#define MUL32(a, b) ((u64v)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#define SQRT32(a) ((f32v)_mm256_sqrt_ps((__m256)(a)))
#define SQRT64(a) ((f64v)_mm256_sqrt_pd((__m256d)(a)))
#define ODD32(a, b) ((u32v)_mm256_blend_epi32((__m256i)(a), (__m256i)(b), 0xAA))
/* In assembler, for compilers put a comparison before the intrinsic though the sign bit is enough */
#define BLEND(type, name, m, a, b) __extension__({ \
        type r_; \
        __asm__(name " %3, %2, %1, %0" : "=x"(r_) : "x"((type)(b)), "xm"((type)(a)), "x"((type)(m))); \
        r_; })
#define PICK32(m, a, b) BLEND(u32v, "vblendvps", m, a, b)
#define PICK64(m, a, b) BLEND(u64v, "vblendvpd", m, a, b)
/* In assembler too: the round keys stay in memory, for the registers are all taken */
#define XOR(a, words) __extension__({ \
        u64v r_; \
        __asm__("vpxor %2, %1, %0" : "=x"(r_) : "x"(a), "m"(*(const u64v *)(words))); \
        r_; })
#include "sampling_blocks.h"
#undef LANES
#undef NAME
#undef MUL32
#undef SQRT32
#undef SQRT64
#undef ODD32
#undef PICK32
#undef PICK64
#undef XOR
TARGET_END

TARGET_AVX512
#define LANES 8
#define NAME(x) x##_avx512
#define MUL32(a, b) ((u64v)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#define SQRT32(a) ((f32v)_mm512_sqrt_ps((__m512)(a)))
#define SQRT64(a) ((f64v)_mm512_sqrt_pd((__m512d)(a)))
#define ODD32(a, b) ((u32v)_mm512_mask_blend_epi32(0xAAAA, (__m512i)(a), (__m512i)(b)))
#define PICK32(m, a, b) ((u32v)_mm512_mask_blend_epi32(_mm512_movepi32_mask((__m512i)(m)), (__m512i)(b), (__m512i)(a)))
#define XOR(a, words) ((a) ^ *(const u64v *)(words))
#define PICK64(m, a, b) ((u64v)_mm512_mask_blend_epi64(_mm512_movepi64_mask((__m512i)(m)), (__m512i)(b), (__m512i)(a)))
#include "sampling_blocks.h"
TARGET_END
#endif

#define CODE const samplers *
#define CODE_FOR(set) &samplers_##set
#include "sets.h"

/* ------------------------------------------------------------------ filling by tiles */

typedef struct {
    const samplers *code;
    source from;
    int single;         /* float32 */
    double a, b, c;     /* mean, sd; or bottom, width, last */
} floats;

typedef void (*maker)(const floats *, const philox_plan *, uint32_t low, int tiles, void *out);

static void make_normal(const floats *f, const philox_plan *p, uint32_t low, int tiles, void *out)
{
    if (f->single) f->code->normal32(p, low, tiles, (float)f->a, (float)f->b, out);
    else f->code->normal64(p, low, tiles, f->a, f->b, out);
}

static void make_uniform(const floats *f, const philox_plan *p, uint32_t low, int tiles, void *out)
{
    if (f->single) f->code->uniform32(p, low, tiles, (float)f->a, (float)f->b, (float)f->c, out);
    else f->code->uniform64(p, low, tiles, f->a, f->b, f->c, out);
}

/* Tiles of which `tile` is the first that lie below the next multiple of 2³² blocks */
static uint64_t tiles_together(uint64_t tile)
{
    return (UINT64_C(1) << 32) / TILE - tile % ((UINT64_C(1) << 32) / TILE);
}

static void fill_floats(const floats *f, maker make, uint64_t offset, uint64_t n, char *out)
{
    const size_t bytes = f->single ? 4 : 8;
    const uint64_t values = f->single ? 4 * TILE : 2 * TILE;
    char edge[4 * TILE * 4] __attribute__((aligned(64)));
    philox_plan p;
    uint64_t known = UINT64_MAX; /* the high half of the blocks for which p is right */
    while (n) {
        uint64_t tile = offset / values, skip = offset % values, block = tile * TILE, take;
        if (block >> 32 != known) {
            known = block >> 32;
            philox_plan_for(&p, &f->from, (uint32_t)known);
        }
        if (skip || n < values) {
            take = values - skip < n ? values - skip : n;
            make(f, &p, (uint32_t)block, 1, edge);
            memcpy(out, edge + skip * bytes, take * bytes);
        } else {
            uint64_t tiles = n / values, together = tiles_together(tile);
            if (tiles > together) tiles = together;
            if (tiles > 1 << 20) tiles = 1 << 20;
            make(f, &p, (uint32_t)block, (int)tiles, out);
            take = tiles * values;
        }
        offset += take, n -= take, out += take * bytes;
    }
}

/* Words of the tiles from `tile` on, at most BATCH of them: how many were made */
static int some_words(const samplers *code, const source *s, uint64_t tile, int wanted, int wide,
                      void *out)
{
    uint64_t block = tile * TILE, together = tiles_together(tile);
    int tiles = wanted < BATCH ? wanted : BATCH;
    if ((uint64_t)tiles > together) tiles = (int)together;
    philox_plan p;
    philox_plan_for(&p, s, high(block));
    if (wide) code->wide_words(&p, (uint32_t)block, tiles, out);
    else code->narrow_words(&p, (uint32_t)block, tiles, out);
    return tiles;
}

/* ------------------------------------------------------------------ whole numbers */

static inline void store(void *out, int size, int64_t i, uint64_t value)
{
    if (size == 1) ((uint8_t *)out)[i] = (uint8_t)value;
    else if (size == 2) ((uint16_t *)out)[i] = (uint16_t)value;
    else if (size == 4) ((uint32_t *)out)[i] = (uint32_t)value;
    else ((uint64_t *)out)[i] = value;
}

/* A whole number below span (0 stands for 2⁶⁴) of what an index draws from its attempt on */
static uint64_t drawn_again(const source *s, uint64_t index, uint64_t span, int narrow)
{
    uint64_t threshold = narrow ? (UINT64_C(1) << 32) % span : span ? -span % span : 0;
    uint64_t words[2], value = 0;
    for (uint32_t attempt = 1; attempt < ATTEMPTS; attempt++) {
        block_pairs(s, index, attempt, words);
        uint64_t lower;
        if (narrow) {
            uint64_t product = (words[0] >> 32) * span;
            value = product >> 32, lower = (uint32_t)product;
        } else {
            unsigned __int128 product = (unsigned __int128)words[0] * span;
            value = span ? (uint64_t)(product >> 64) : words[0], lower = (uint64_t)product;
        }
        if (lower >= threshold) break;
    }
    return value;
}

static void fill_integers(const samplers *code, const source *s, uint64_t offset, uint64_t n,
                          uint64_t low, uint64_t span, int narrow, int size, char *out)
{
    const uint64_t values = narrow ? 4 * TILE : 2 * TILE;
    const uint64_t threshold = narrow ? (UINT64_C(1) << 32) % span : span ? -span % span : 0;
    union { uint32_t narrow[BATCH * 4 * TILE]; uint64_t wide[BATCH * 2 * TILE]; } words
        __attribute__((aligned(64)));
    while (n) {
        uint64_t skip = offset % values, left = (skip + n + values - 1) / values;
        int tiles = some_words(code, s, offset / values, left < BATCH ? (int)left : BATCH, !narrow,
                               &words);
        uint64_t take = (uint64_t)tiles * values - skip < n ? (uint64_t)tiles * values - skip : n;
        if (narrow) {
            const uint32_t *w = words.narrow + skip;
            if (code->scaled_narrow(w, (int)take, low, (uint32_t)span, (uint32_t)threshold, size, out))
                for (uint64_t i = 0; i < take; i++)
                    if ((uint32_t)((uint64_t)w[i] * span) < threshold)
                        store(out, size, (int64_t)i, low + drawn_again(s, offset + i, span, 1));
        } else {
            const uint64_t *w = words.wide + skip;
            for (uint64_t i = 0; i < take; i++) {
                unsigned __int128 product = (unsigned __int128)w[i] * span;
                uint64_t value = span ? (uint64_t)(product >> 64) : w[i];
                if ((uint64_t)product < threshold) value = drawn_again(s, offset + i, span, 0);
                store(out, size, (int64_t)i, low + value);
            }
        }
        offset += take, n -= take, out += take * (size_t)size;
    }
}

static void fill_bernoulli(const samplers *code, const source *s, uint64_t offset, uint64_t n,
                           uint64_t threshold, uint64_t fraction, uint8_t *out)
{
    uint32_t words[BATCH * 4 * TILE] __attribute__((aligned(64)));
    while (n) {
        uint64_t skip = offset % (4 * TILE), left = (skip + n + 4 * TILE - 1) / (4 * TILE);
        int tiles = some_words(code, s, offset / (4 * TILE), left < BATCH ? (int)left : BATCH, 0, words);
        uint64_t take = (uint64_t)tiles * 4 * TILE - skip < n ? (uint64_t)tiles * 4 * TILE - skip : n;
        const uint32_t *w = words + skip;
        if (threshold >> 32) memset(out, 1, take);
        else if (code->below(w, (int)take, (uint32_t)threshold, out))
            for (uint64_t i = 0; i < take; i++)
                if (w[i] == (uint32_t)threshold) {
                    uint64_t pair[2];
                    block_pairs(s, offset + i, 1, pair);
                    out[i] = pair[0] < fraction;
                }
        offset += take, n -= take, out += take;
    }
}

#define AHEAD (BATCH * 2 * TILE)
static void fill_permutation(const samplers *code, const source *s, uint64_t n, int64_t *out)
{
    uint64_t words[AHEAD] __attribute__((aligned(64)));
    for (uint64_t i = 0; i < n; i++) out[i] = (int64_t)i;
    for (uint64_t batch = (n + AHEAD - 1) / AHEAD; batch-- > 0;) {
        uint64_t first = batch * AHEAD, count = n - first < AHEAD ? n - first : AHEAD;
        some_words(code, s, batch * BATCH, BATCH, 1, words);
        for (uint64_t i = 0; i < count; i++) { /* the partners, and what they need from memory */
            uint64_t span = first + i + 1;
            unsigned __int128 product = (unsigned __int128)words[i] * span;
            uint64_t lower = (uint64_t)product;
            words[i] = (uint64_t)(product >> 64);
            if (lower < span && lower < -span % span) words[i] = drawn_again(s, first + i, span, 0);
            __builtin_prefetch(out + words[i], 1, 2);
        }
        for (uint64_t i = count; i-- > 0;) {
            int64_t *a = out + first + i, *b = out + words[i], kept = *a;
            *a = *b;
            *b = kept;
        }
    }
}

/* ------------------------------------------------------------------ truncated normals */

typedef struct { /* as truncation.Plan */
    double lower, upper, inner, rate;
    int proposal;
} truncation;
enum { FROM_NORMAL, FROM_UNIFORM, FROM_TAIL };
#define GROUP 256 /* indices at a time */

/* Candidates of `count` pairs of words, and whether each is accepted */
static void propose(const samplers *code, const truncation *t, const uint64_t *first,
                    const uint64_t *second, int count, double *z, uint8_t *accepted)
{
    double enough[GROUP];
    int whole = (count + 15) / 16 * 16; /* what is beyond count is worked on and left alone */
    if (t->proposal == FROM_NORMAL) {
        code->first_normals(first, second, whole, z);
        for (int i = 0; i < count; i++) accepted[i] = z[i] >= t->lower && z[i] <= t->upper;
        return;
    }
    code->twice_exponentials(second, whole, enough);
    if (t->proposal == FROM_UNIFORM) {
        double width = t->upper - t->lower;
        for (int i = 0; i < count; i++) {
            z[i] = t->lower + width * ((double)(first[i] >> 11) * 0x1p-53);
            accepted[i] = enough[i] >= (z[i] - t->inner) * (z[i] + t->inner);
        }
        return;
    }
    code->twice_exponentials(first, whole, z);
    for (int i = 0; i < count; i++) {
        z[i] = t->lower + z[i] / (2 * t->rate);
        accepted[i] = z[i] <= t->upper && enough[i] >= (z[i] - t->rate) * (z[i] - t->rate);
    }
}

static void fill_truncated(const samplers *code, const source *s, const truncation *t,
                           uint64_t offset, uint64_t n, double *out)
{
    uint64_t tile[2 * TILE] __attribute__((aligned(64)));
    uint64_t first[GROUP] __attribute__((aligned(64))) = {0};
    uint64_t second[GROUP] __attribute__((aligned(64))) = {0};
    double z[GROUP];
    uint8_t accepted[GROUP];
    int waiting[GROUP];
    for (uint64_t at = 0; at < n; at += GROUP) {
        int count = n - at < GROUP ? (int)(n - at) : GROUP, left = count;
        for (int i = 0; i < count; i++) {
            waiting[i] = i;
            out[at + (uint64_t)i] = t->inner;
        }
        for (uint32_t attempt = 0; left && attempt < ATTEMPTS; attempt++) {
            uint64_t known = UINT64_MAX;
            for (int i = 0; i < left; i++) {
                uint64_t block = offset + at + (uint64_t)waiting[i], pair[2];
                if (attempt == 0) { /* sixteen neighbours at once */
                    if (block / TILE != known) {
                        known = block / TILE;
                        philox_plan p;
                        philox_plan_for(&p, s, high(block));
                        code->wide_words(&p, (uint32_t)(known * TILE), 1, tile);
                    }
                    pair[0] = tile[block % TILE], pair[1] = tile[TILE + block % TILE];
                } else {
                    block_pairs(s, block, attempt, pair);
                }
                first[i] = pair[0], second[i] = pair[1];
            }
            propose(code, t, first, second, left, z, accepted);
            int still = 0;
            for (int i = 0; i < left; i++)
                if (accepted[i]) out[at + (uint64_t)waiting[i]] = z[i];
                else waiting[still++] = waiting[i];
            left = still;
        }
    }
}

/* ------------------------------------------------------------------ what Python calls */

typedef struct {
    Py_buffer view;
    source from;
    uint64_t offset;
} request;

/* Read (out, seed, stream, offset); `purpose` is left to the caller */
static int request_read(request *r, PyObject *const *args)
{
    if (PyObject_GetBuffer(args[0], &r->view, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE) < 0) return -1;
    r->from.seed = PyLong_AsUnsignedLongLong(args[1]);
    r->from.stream = PyLong_AsUnsignedLongLong(args[2]);
    r->offset = PyLong_AsUnsignedLongLong(args[3]);
    r->from.purpose = 0;
    if (!PyErr_Occurred()) return 0;
    PyBuffer_Release(&r->view);
    return -1;
}

static uint64_t request_size(const request *r) { return (uint64_t)(r->view.len / r->view.itemsize); }

enum { UNIFORM32 = 1, UNIFORM64, NORMAL32, NORMAL64, INTEGERS_NARROW, INTEGERS_WIDE, BERNOULLI,
       PERMUTATION, TRUNCATED }; /* words.Purpose */

static PyObject *floats_by(PyObject *const *args, Py_ssize_t nargs, maker make, uint32_t purpose,
                           Py_ssize_t numbers)
{
    if (arity(nargs, 4 + numbers) < 0) return NULL;
    double given[3] = {0, 0, 0};
    for (int i = 0; i < numbers; i++) given[i] = PyFloat_AsDouble(args[4 + i]);
    request r;
    if (PyErr_Occurred() || request_read(&r, args) < 0) return NULL;
    floats f = {active->code, r.from, r.view.itemsize == 4, given[0], given[1], given[2]};
    f.from.purpose = purpose + !f.single;
    Py_BEGIN_ALLOW_THREADS
    fill_floats(&f, make, r.offset, request_size(&r), r.view.buf);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&r.view);
    return Py_NewRef(Py_None);
}

static PyObject *py_normal(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    return floats_by(args, nargs, make_normal, NORMAL32, 2);
}

static PyObject *py_uniform(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    return floats_by(args, nargs, make_uniform, UNIFORM32, 3);
}

/* integers(out, seed, stream, offset, low modulo 2⁶⁴, span modulo 2⁶⁴, narrow) */
static PyObject *py_integers(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 7) < 0) return NULL;
    uint64_t low = PyLong_AsUnsignedLongLong(args[4]), span = PyLong_AsUnsignedLongLong(args[5]);
    int narrow = PyObject_IsTrue(args[6]);
    request r;
    if (PyErr_Occurred() || request_read(&r, args) < 0) return NULL;
    r.from.purpose = narrow ? INTEGERS_NARROW : INTEGERS_WIDE;
    Py_BEGIN_ALLOW_THREADS
    fill_integers(active->code, &r.from, r.offset, request_size(&r), low, span, narrow,
                  (int)r.view.itemsize, r.view.buf);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&r.view);
    return Py_NewRef(Py_None);
}

/* bernoulli(out of bytes, seed, stream, offset, threshold, fraction) */
static PyObject *py_bernoulli(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 6) < 0) return NULL;
    uint64_t threshold = PyLong_AsUnsignedLongLong(args[4]);
    uint64_t fraction = PyLong_AsUnsignedLongLong(args[5]);
    request r;
    if (PyErr_Occurred() || request_read(&r, args) < 0) return NULL;
    r.from.purpose = BERNOULLI;
    Py_BEGIN_ALLOW_THREADS
    fill_bernoulli(active->code, &r.from, r.offset, (uint64_t)r.view.len, threshold, fraction,
                   r.view.buf);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&r.view);
    return Py_NewRef(Py_None);
}

/* permutation(out of int64, seed, stream, 0) */
static PyObject *py_permutation(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    request r;
    if (arity(nargs, 4) < 0 || request_read(&r, args) < 0) return NULL;
    r.from.purpose = PERMUTATION;
    Py_BEGIN_ALLOW_THREADS
    fill_permutation(active->code, &r.from, (uint64_t)r.view.len / 8, r.view.buf);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&r.view);
    return Py_NewRef(Py_None);
}

/* truncated(out of float64, seed, stream, offset, lower, upper, inner, rate, proposal) */
static PyObject *py_truncated(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 9) < 0) return NULL;
    truncation t = {PyFloat_AsDouble(args[4]), PyFloat_AsDouble(args[5]), PyFloat_AsDouble(args[6]),
                    PyFloat_AsDouble(args[7]), (int)PyLong_AsLong(args[8])};
    request r;
    if (PyErr_Occurred() || request_read(&r, args) < 0) return NULL;
    r.from.purpose = TRUNCATED;
    Py_BEGIN_ALLOW_THREADS
    fill_truncated(active->code, &r.from, &t, r.offset, (uint64_t)r.view.len / 8, r.view.buf);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&r.view);
    return Py_NewRef(Py_None);
}

/* words(out of uint32 or uint64, seed, stream, offset, purpose): as they are */
static PyObject *py_words(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 5) < 0) return NULL;
    uint32_t purpose = (uint32_t)PyLong_AsUnsignedLong(args[4]);
    request r;
    if (PyErr_Occurred() || request_read(&r, args) < 0) return NULL;
    r.from.purpose = purpose;
    int wide = r.view.itemsize == 8;
    const uint64_t values = wide ? 2 * TILE : 4 * TILE;
    uint64_t n = request_size(&r), offset = r.offset;
    char *out = r.view.buf;
    Py_BEGIN_ALLOW_THREADS
    while (n) {
        uint64_t words[BATCH * 2 * TILE] __attribute__((aligned(64)));
        uint64_t skip = offset % values, left = (skip + n + values - 1) / values;
        int tiles = some_words(active->code, &r.from, offset / values,
                               left < BATCH ? (int)left : BATCH, wide, words);
        uint64_t take = (uint64_t)tiles * values - skip < n ? (uint64_t)tiles * values - skip : n;
        memcpy(out, (char *)words + skip * (size_t)r.view.itemsize, take * (size_t)r.view.itemsize);
        offset += take, n -= take, out += take * (size_t)r.view.itemsize;
    }
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&r.view);
    return Py_NewRef(Py_None);
}

static PyMethodDef methods[] = {
    CALL(normal, "normal(out, seed, stream, offset, mean, sd)"),
    CALL(uniform, "uniform(out, seed, stream, offset, bottom, width, last)"),
    CALL(integers, "integers(out, seed, stream, offset, low, span, narrow)"),
    CALL(bernoulli, "bernoulli(out, seed, stream, offset, threshold, fraction)"),
    CALL(permutation, "permutation(out, seed, stream, 0)"),
    CALL(truncated, "truncated(out, seed, stream, offset, lower, upper, inner, rate, proposal)"),
    CALL(words, "words(out, seed, stream, offset, purpose)"),
    SET_CALLS,
    {NULL, NULL, 0, NULL},
};

MODULE(_sampling, "Compiled samplers of gausswork.")
