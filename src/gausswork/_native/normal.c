/* The normal distribution, compiled: density and tails lane by lane, logarithms and quantiles one by
 * one, and entries for single numbers that cost no array.
 *
 * Formulas, sources and error bounds: gausswork/normal/formulas.py, the plain NumPy that serves
 * without a compiler. Buffers are contiguous float64; the calls release the GIL and keep no state but
 * the choice of the instruction set.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__GNUC__)
#error "the compiled kernels need GCC or Clang; without them plain NumPy serves"
#endif

#define STRIP 64  /* numbers that pass through the formulas together */
#define GROUP 512 /* numbers of which those beyond the table are put together */

#include "doubledouble.h"
#include "normal_rows.h"
#include "normal_tables.h"

enum { NORMAL_PDF, NORMAL_CDF, NORMAL_SF, NORMAL_LOGPDF, NORMAL_LOGCDF, NORMAL_LOGSF,
       NORMAL_QUANTILE, NORMAL_ISF, NORMAL_LOG_QUANTILE, NORMAL_LOG_ISF, NORMAL_KINDS };

/* What is given: z, or x with mean and sd, or z in two words */
enum { NORMAL_PLAIN, NORMAL_SHIFTED, NORMAL_TWO_WORDS };

#define INLINE inline __attribute__((always_inline))

typedef struct {
    int kind;
    int mode;
    double mean, sd, inverse_sd;
    double peak, peak_low;     /* the density at the mean times 2^-600 */
} normal_call;

/* ------------------------------------------------------------------ lane by lane */

#define LANES 2
#define NAME(x) x##_baseline
#define SIGNS(m) ((int)((m)[0] & 1) | (int)((m)[1] & 2))
#define COLUMNS(r, j, a, b) \
    ((a) = (vec){(r)[0][j], (r)[1][j]}, (b) = (vec){(r)[0][(j) + 1], (r)[1][(j) + 1]})
#if defined(__aarch64__)
#include <arm_neon.h>
#define VFMA(a, b, c) ((vec)vfmaq_f64((float64x2_t)(c), (float64x2_t)(a), (float64x2_t)(b)))
#define HAS_FMA 1
#else
#define VFMA(a, b, c) ((a) * (b) + (c))
#define HAS_FMA 0
#endif
#include "normal_lanes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#if defined(__clang__)
#define TARGET_AVX2 _Pragma("clang attribute push(__attribute__((target(\"avx2,fma\"))), apply_to = function)")
#define TARGET_AVX512 _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512dq,avx512vl,avx2,fma\"))), apply_to = function)")
#define TARGET_END _Pragma("clang attribute pop")
#else
#define TARGET_AVX2 _Pragma("GCC push_options") _Pragma("GCC target(\"avx2,fma\")")
#define TARGET_AVX512 _Pragma("GCC push_options") _Pragma("GCC target(\"avx512f,avx512dq,avx512vl,avx2,fma\")")
#define TARGET_END _Pragma("GCC pop_options")
#endif

TARGET_AVX2
static INLINE __m256d pairs(const double *a, const double *b)
{
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(a)), _mm_loadu_pd(b), 1);
}
#define LANES 4
#define NAME(x) x##_avx2
#define SIGNS(m) _mm256_movemask_pd((__m256d)(m))
static INLINE void columns_avx2(const double *const *r, int j, __m256d *a, __m256d *b)
{
    __m256d even = pairs(r[0] + j, r[2] + j), odd = pairs(r[1] + j, r[3] + j);
    *a = _mm256_unpacklo_pd(even, odd);
    *b = _mm256_unpackhi_pd(even, odd);
}
#define COLUMNS(r, j, a, b) columns_avx2(r, j, (__m256d *)&(a), (__m256d *)&(b))
#define VFMA(a, b, c) ((vec)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define HAS_FMA 1
#include "normal_lanes.h"
TARGET_END

TARGET_AVX512
#define LANES 8
#define NAME(x) x##_avx512
#define SIGNS(m) ((int)_mm512_movepi64_mask((__m512i)(m)))
static INLINE __m512d quadruple(const double *a, const double *b, const double *c, const double *d)
{
    return _mm512_insertf64x4(_mm512_castpd256_pd512(pairs(a, b)), pairs(c, d), 1);
}
static INLINE void columns_avx512(const double *const *r, int j, __m512d *a, __m512d *b)
{
    __m512d even = quadruple(r[0] + j, r[2] + j, r[4] + j, r[6] + j);
    __m512d odd = quadruple(r[1] + j, r[3] + j, r[5] + j, r[7] + j);
    *a = _mm512_unpacklo_pd(even, odd);
    *b = _mm512_unpackhi_pd(even, odd);
}
#define COLUMNS(r, j, a, b) columns_avx512(r, j, (__m512d *)&(a), (__m512d *)&(b))
#define VFMA(a, b, c) ((vec)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define HAS_FMA 1
#include "normal_lanes.h"
TARGET_END
#endif

typedef void (*evaluator)(const normal_call *, const double *, const double *, ptrdiff_t,
                          double *);
#define CODE evaluator
#define CODE_FOR(set) evaluate_##set
#include "sets.h"

/* ------------------------------------------------------------------ one by one */

#define POLYNOMIAL(c, x) polynomial(c, (int)(sizeof(c) / sizeof *(c)), x)
static inline double polynomial(const double *c, int terms, double x)
{
    double s = c[terms - 1];
    for (int k = terms - 2; k >= 0; k--) s = s * x + c[k];
    return s;
}

/* Q(x)·exp(x²/2), x ≥ 0 */
static double scaled_tail(double x)
{
    if (x > 1e17) return PEAK / x;
    double w = 2.0 * x / (x + 5.0);
    return (0.5 + w * POLYNOMIAL(TAIL, w - 1.0)) / (x + 1.0);
}

/* −z²/2 in two words */
static dd exponent(double z, double low)
{
    if (!(fabs(z) < 1e150)) return (dd){-0.5 * z * z, 0.0};
    dd p = dd_product(-0.5 * z, z);
    p.l -= z * low;
    return p;
}

/* log P(X ≤ z + low) */
static double log_below(double z, double low)
{
    dd a = exponent(z, low);
    if (z < 0.0) return a.h + (a.l + log(scaled_tail(-z)));
    if (z > 40.0) return -0.0;
    return log1p(-exp(a.h) * (1.0 + a.l) * scaled_tail(z));
}

/* The distance from the mean beyond which a share exp(logarithm) ≤ 0.075 lies */
static double tail_distance(double logarithm)
{
    double r = sqrt(-logarithm);
    if (r <= 5.0) return POLYNOMIAL(NEAR_NUM, r - 1.6) / POLYNOMIAL(NEAR_DEN, r - 1.6);
    if (r <= 27.0) return POLYNOMIAL(FAR_NUM, r - 5.0) / POLYNOMIAL(FAR_DEN, r - 5.0);
    if (isinf(r)) return r;
    double x = M_SQRT2 * r;
    /* log Q(x) = −x²/2 + log(scaled tail): each turn gains a factor of x² > 1400 */
    for (int turn = 0; turn < 6; turn++) x = M_SQRT2 * sqrt(log(scaled_tail(x)) - logarithm);
    return x;
}

static double centre(double q)
{
    double r = 0.180625 - q * q;
    return q * (POLYNOMIAL(CENTRE_NUM, r) / POLYNOMIAL(CENTRE_DEN, r));
}

static double quantile(double p)
{
    if (!(p >= 0.0 && p <= 1.0)) return NAN;
    double q = p - 0.5;
    if (fabs(q) <= 0.425) return centre(q);
    return q < 0.0 ? -tail_distance(log(p)) : tail_distance(log(1.0 - p));
}

static double log_quantile(double logarithm)
{
    if (!(logarithm <= 0.0)) return NAN;
    if (logarithm < -2.5902) return -tail_distance(logarithm);
    if (logarithm > -0.07797) return tail_distance(log(-expm1(logarithm)));
    return centre(0.5 * expm1((logarithm + LN2) + LN2_REST));
}

static double one(int kind, double v, double low)
{
    switch (kind) {
    case NORMAL_LOGPDF: {
        dd a = exponent(v, low);
        return a.h + (a.l + LOG_PEAK);
    }
    case NORMAL_LOGCDF: return log_below(v, low);
    case NORMAL_LOGSF: return log_below(-v, -low);
    case NORMAL_QUANTILE: return quantile(v);
    case NORMAL_ISF: return 0.0 - quantile(v);
    case NORMAL_LOG_QUANTILE: return log_quantile(v);
    default: return 0.0 - log_quantile(v);
    }
}

/* One of density and tails at z = z.h + z.l, for the standard normal */
static double standard_one(int kind, dd z)
{
    normal_call call = {.kind = kind, .mode = NORMAL_TWO_WORDS, .peak = PEAK * 0x1p-600,
                        .peak_low = PEAK_LOW * 0x1p-600};
    double out;
    active->code(&call, &z.h, &z.l, 1, &out);
    return out;
}

static dd quotient(double x, double shift, const normal_call *call)
{
    dd d = dd_normal(x, -shift);
    double z = d.h * call->inverse_sd;
    if (!(fabs(z) < 1e150)) return (dd){z, 0.0};
    dd p = dd_product(z, call->sd);
    return (dd){z, (((d.h - p.h) - p.l) + d.l) * call->inverse_sd};
}

/* P(a < X < b), a ≤ b: see gausswork/normal/formulas.py */
static double between_one(const normal_call *call, double a, double b)
{
    if (isnan(a) || isnan(b)) return NAN;
    if (a == b) return 0.0;
    dd low = quotient(a, call->mean, call), high = quotient(b, call->mean, call);
    double h = 0.5 * quotient(b, a, call).h;
    if (low.h + high.h < 0.0) {
        dd swap = {-high.h, -high.l};
        high = (dd){-low.h, -low.l};
        low = swap;
    }
    if (h < 1.0 && h * (low.h + 2.0 * h) < 1.5) {
        dd middle = dd_normal(low.h, h);
        middle.l += low.l;
        double average = 0.0;
        for (int k = 0; k < 8; k++) {
            double step = h * NODES[k];
            average += WEIGHTS[k] * (exp(-step * (middle.h + 0.5 * step)) +
                                     exp(step * (middle.h - 0.5 * step)));
        }
        return standard_one(NORMAL_PDF, middle) * h * average;
    }
    double far = standard_one(NORMAL_SF, high);
    return low.h < 0.0 ? (1.0 - standard_one(NORMAL_CDF, low)) - far
                       : standard_one(NORMAL_SF, low) - far;
}

/* ------------------------------------------------------------------ arguments */

static int doubles(PyObject *object, Py_buffer *view, Py_ssize_t bytes, int writable)
{
    int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object, view, flags) < 0) return -1;
    if (strcmp(view->format ? view->format : "B", "d") || (bytes >= 0 && view->len != bytes)) {
        PyErr_SetString(PyExc_ValueError, "expected float64 buffers of one size");
        PyBuffer_Release(view);
        return -1;
    }
    return 0;
}

/* Returns 0 where mean and sd are so extreme that z in two words, or the density, could overflow */
static int normal_call_set(normal_call *call, int kind, double mean, double sd)
{
    if (!(fabs(mean) < 0x1p900 && sd > 0x1p-300 && sd < 0x1p300)) return 0;
    call->kind = kind;
    call->mode = mean == 0.0 && sd == 1.0 ? NORMAL_PLAIN : NORMAL_SHIFTED;
    call->mean = mean;
    call->sd = sd;
    call->inverse_sd = 1.0 / sd;
    double peak = PEAK / sd;
    dd p = dd_product(peak, sd);
    call->peak = peak * 0x1p-600;
    call->peak_low = (((PEAK - p.h) - p.l) + PEAK_LOW) / sd * 0x1p-600;
    return 1;
}

/* ------------------------------------------------------------------ calls */

/* evaluate(kind, x, low or None, mean, sd, out): pdf, cdf or sf; False where mean and sd are too
 * extreme. With `low`, x + low is z. */
static PyObject *py_evaluate(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 6) < 0) return NULL;
    long kind = PyLong_AsLong(args[0]);
    double mean = PyFloat_AsDouble(args[3]), sd = PyFloat_AsDouble(args[4]);
    if (PyErr_Occurred()) return NULL;
    normal_call call;
    if (kind < NORMAL_PDF || kind > NORMAL_SF) {
        PyErr_SetString(PyExc_ValueError, "no such function");
        return NULL;
    }
    if (!normal_call_set(&call, (int)kind, mean, sd)) return Py_NewRef(Py_False);
    Py_buffer x, low, out;
    int two = args[2] != Py_None;
    if (two) call.mode = NORMAL_TWO_WORDS;
    if (doubles(args[1], &x, -1, 0) < 0) return NULL;
    if (two && doubles(args[2], &low, x.len, 0) < 0) goto release_x;
    if (doubles(args[5], &out, x.len, 1) < 0) goto release_low;
    const instruction_set *set = active;
    Py_BEGIN_ALLOW_THREADS
    set->code(&call, x.buf, two ? low.buf : NULL, x.len / (Py_ssize_t)sizeof(double), out.buf);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&out);
    if (two) PyBuffer_Release(&low);
    PyBuffer_Release(&x);
    return Py_NewRef(Py_True);
release_low:
    if (two) PyBuffer_Release(&low);
release_x:
    PyBuffer_Release(&x);
    return NULL;
}

/* logarithm(kind, x, mean, sd, out): logcdf or logsf; False where mean and sd are too extreme */
static PyObject *py_logarithm(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 5) < 0) return NULL;
    long kind = PyLong_AsLong(args[0]);
    double mean = PyFloat_AsDouble(args[2]), sd = PyFloat_AsDouble(args[3]);
    if (PyErr_Occurred()) return NULL;
    if (kind != NORMAL_LOGCDF && kind != NORMAL_LOGSF) {
        PyErr_SetString(PyExc_ValueError, "no such function");
        return NULL;
    }
    normal_call call;
    if (!normal_call_set(&call, NORMAL_CDF, mean, sd)) return Py_NewRef(Py_False);
    Py_buffer x, out;
    if (doubles(args[1], &x, -1, 0) < 0) return NULL;
    if (doubles(args[4], &out, x.len, 1) < 0) {
        PyBuffer_Release(&x);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    const double *from = x.buf;
    double *to = out.buf;
    for (Py_ssize_t i = 0; i < x.len / (Py_ssize_t)sizeof(double); i++) {
        dd z = quotient(from[i], mean, &call);
        to[i] = one((int)kind, z.h, z.l);
    }
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&out);
    PyBuffer_Release(&x);
    return Py_NewRef(Py_True);
}

/* standard(kind, x, low or None, out): the other functions of the standard normal */
static PyObject *py_standard(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 4) < 0) return NULL;
    long kind = PyLong_AsLong(args[0]);
    if (kind < NORMAL_LOGPDF || kind >= NORMAL_KINDS) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "no such function");
        return NULL;
    }
    Py_buffer x, low, out;
    int two = args[2] != Py_None;
    if (doubles(args[1], &x, -1, 0) < 0) return NULL;
    if (two && doubles(args[2], &low, x.len, 0) < 0) goto release_x;
    if (doubles(args[3], &out, x.len, 1) < 0) goto release_low;
    Py_BEGIN_ALLOW_THREADS
    const double *from = x.buf, *rest = two ? low.buf : NULL;
    double *to = out.buf;
    for (Py_ssize_t i = 0; i < x.len / (Py_ssize_t)sizeof(double); i++)
        to[i] = one((int)kind, from[i], rest ? rest[i] : 0.0);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&out);
    if (two) PyBuffer_Release(&low);
    PyBuffer_Release(&x);
    return Py_NewRef(Py_None);
release_low:
    if (two) PyBuffer_Release(&low);
release_x:
    PyBuffer_Release(&x);
    return NULL;
}

/* name(x, mean, sd) on single numbers; None where mean and sd are too extreme */
static PyObject *single(int kind, PyObject *const *args, Py_ssize_t nargs)
{
    if (arity(nargs, 3) < 0) return NULL;
    double x = PyFloat_AsDouble(args[0]), mean = PyFloat_AsDouble(args[1]);
    double sd = PyFloat_AsDouble(args[2]), out;
    if (PyErr_Occurred()) return NULL;
    normal_call call;
    if (!normal_call_set(&call, kind, mean, sd)) return Py_NewRef(Py_None);
    active->code(&call, &x, NULL, 1, &out);
    return PyFloat_FromDouble(out);
}
#define SINGLE(name, kind) \
static PyObject *py_##name(PyObject *self, PyObject *const *args, Py_ssize_t nargs) \
{ \
    (void)self; \
    return single(kind, args, nargs); \
}
SINGLE(pdf, NORMAL_PDF)
SINGLE(cdf, NORMAL_CDF)
SINGLE(sf, NORMAL_SF)

/* quantile(p, mean, sd) on single numbers */
static PyObject *py_quantile(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 3) < 0) return NULL;
    double p = PyFloat_AsDouble(args[0]), mean = PyFloat_AsDouble(args[1]);
    double sd = PyFloat_AsDouble(args[2]);
    if (PyErr_Occurred()) return NULL;
    return PyFloat_FromDouble(mean + sd * quantile(p));
}

/* between(a, b, mean, sd) on single numbers; None where mean and sd are too extreme */
static PyObject *py_between(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 4) < 0) return NULL;
    double a = PyFloat_AsDouble(args[0]), b = PyFloat_AsDouble(args[1]);
    double mean = PyFloat_AsDouble(args[2]), sd = PyFloat_AsDouble(args[3]);
    if (PyErr_Occurred()) return NULL;
    normal_call call;
    if (!(fabs(a) < 0x1p1000 || isinf(a)) || !(fabs(b) < 0x1p1000 || isinf(b)) ||
        !normal_call_set(&call, NORMAL_CDF, mean, sd))
        return Py_NewRef(Py_None);
    return PyFloat_FromDouble(between_one(&call, a, b));
}

/* betweens(a, b, mean, sd, out): the same for arrays; False where mean and sd are too extreme */
static PyObject *py_betweens(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 5) < 0) return NULL;
    double mean = PyFloat_AsDouble(args[2]), sd = PyFloat_AsDouble(args[3]);
    if (PyErr_Occurred()) return NULL;
    normal_call call;
    if (!normal_call_set(&call, NORMAL_CDF, mean, sd)) return Py_NewRef(Py_False);
    Py_buffer a, b, out;
    if (doubles(args[0], &a, -1, 0) < 0) return NULL;
    if (doubles(args[1], &b, a.len, 0) < 0) goto release_a;
    if (doubles(args[4], &out, a.len, 1) < 0) goto release_b;
    Py_BEGIN_ALLOW_THREADS
    const double *lower = a.buf, *upper = b.buf;
    double *to = out.buf;
    for (Py_ssize_t i = 0; i < a.len / (Py_ssize_t)sizeof(double); i++)
        to[i] = between_one(&call, lower[i], upper[i]);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&out);
    PyBuffer_Release(&b);
    PyBuffer_Release(&a);
    return Py_NewRef(Py_True);
release_b:
    PyBuffer_Release(&b);
release_a:
    PyBuffer_Release(&a);
    return NULL;
}

static PyMethodDef methods[] = {
    CALL(evaluate, "evaluate(kind, x, low, mean, sd, out) -> whether it could"),
    CALL(logarithm, "logarithm(kind, x, mean, sd, out) -> whether it could"),
    CALL(standard, "standard(kind, x, low, out)"),
    CALL(pdf, "pdf(x, mean, sd) -> float or None"),
    CALL(cdf, "cdf(x, mean, sd) -> float or None"),
    CALL(sf, "sf(x, mean, sd) -> float or None"),
    CALL(quantile, "quantile(p, mean, sd) -> float"),
    CALL(between, "between(a, b, mean, sd) -> float or None"),
    CALL(betweens, "betweens(a, b, mean, sd, out) -> whether it could"),
    SET_CALLS,
    {NULL, NULL, 0, NULL},
};

MODULE(_normal, "The normal distribution, compiled.")
