/* The compiled kernels of gausswork: what Python calls, and which instruction set answers.
 *
 * Everything passes through the buffer protocol, so there is no build dependency on NumPy, and
 * through the limited API, so one binary serves every Python from 3.11 on. The calls release the
 * GIL; they keep no state but the choice of the instruction set.
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

#define ROWS 256     /* rows of a block */
#define SLICE_BITS 22 /* 22 + 22 bits a product and 8 for the rows of a block: at most 53 */
#define CHAIN 64     /* rows summed before a partial sum starts anew: rounding errors stay short */
#define CORNER 32    /* side of the squares in which a matrix is mirrored */
#define CHAINS 16    /* sums kept side by side in the double-double pass */

#include "doubledouble.h"

typedef struct {         /* p predictors and the target, whose index is p */
    int predictors;
    int row_major;       /* the predictors of a row lie side by side */
    const char **data;   /* (p + 1) first value of each column */
    ptrdiff_t *stride;   /* (p + 1) bytes from row to row */
    unsigned char *single; /* (p + 1) float32 */
    const char *weight;  /* first weight, or NULL where rows count alike */
    ptrdiff_t weight_stride;
    int weight_single;
} table;

typedef struct {
    double *first_high, *first_low;   /* (q) */
    double *second_high, *second_low; /* (q, q) */
} sums;

typedef struct {
    size_t (*gram_scratch)(int q, int tier);
    void (*gram)(const table *, ptrdiff_t n, const double *scale, const double *shift, int tier,
                 sums *out, double *scratch);
    size_t (*residual_scratch)(int p);
    void (*residual_sums)(const table *, ptrdiff_t n, const double *scale, dd b0,
                          const double *bh, const double *bl, double *high, double *low,
                          double *scratch, const double **columns);
    size_t (*whitened_scratch)(int p, int r);
    void (*whitened_gram)(const table *, ptrdiff_t n, const double *scale,
                          const double *mean_high, const double *mean_low, const double *weights,
                          int width, double *out, double *scratch, const double **columns);
    void (*cholesky)(double *h, double *l, int p, const double *tolerance, int capacity,
                     unsigned char *skipped);
    void (*invert_triangle)(const double *rh, const double *rl, int p, double *h, double *l);
    void (*grouped)(const table *, ptrdiff_t n, const double *scale, const double *codes,
                    int frequency, double *states, double *scratch);
} kernels;

/* The layout of groups.h: rows of a triangle begin at multiples of the longest vector */
#define GROUP_PAD(n) (((n) + 7) & ~7)
static ptrdiff_t group_triangle(int m)
{
    ptrdiff_t total = 0;
    for (int j = 0; j < m; j++) total += GROUP_PAD(j + 1);
    return total;
}
static ptrdiff_t group_size(int q) { return 8 + GROUP_PAD(q + 1) + 2 * group_triangle(q + 1); }

#include "small.h"

/* ------------------------------------------------------------------ memory */

/* The rows of the next block, asked for while this one is multiplied, so that waiting for memory and
 * arithmetic overlap: a chunk of CHUNK bytes at a time. */
#define CHUNK (CHAIN * 32)
typedef struct {
    const table *t;
    ptrdiff_t start, chunk, chunks, per_column;
} lookahead;
static const char nothing_ahead[CHUNK] __attribute__((aligned(64)));

static lookahead lookahead_start(const table *t, ptrdiff_t start, ptrdiff_t n)
{
    lookahead next = {t, start, 0, 0, 0};
    ptrdiff_t rows = n - start < ROWS ? n - start : ROWS, bytes = t->single[0] ? 4 : 8;
    if (rows < ROWS) return next;
    if (t->row_major && t->stride[0] == t->predictors * bytes)
        next.chunks = rows * t->stride[0] / CHUNK + 1;
    else if (!t->row_major)
        next.chunks = t->predictors + 1;
    return next;
}

static inline const char *lookahead_next(lookahead *next)
{
    if (next->chunk >= next->chunks) return nothing_ahead;
    const table *t = next->t;
    ptrdiff_t i = next->chunk++;
    if (t->row_major && i == next->chunks - 1) i = t->predictors; /* the target, at last */
    else if (t->row_major) return t->data[0] + next->start * t->stride[0] + i * CHUNK;
    return t->data[i] + next->start * t->stride[i];
}

/* Copy the upper triangle of a (q, q) matrix to the lower */
static void mirror(double *matrix, int q)
{
    for (int rows = 0; rows < q; rows += CORNER)
        for (int columns = rows; columns < q; columns += CORNER)
            for (int a = rows; a < rows + CORNER && a < q; a++)
                for (int b = columns > a ? columns : a + 1; b < columns + CORNER && b < q; b++)
                    matrix[(size_t)b * q + a] = matrix[(size_t)a * q + b];
}

/* ------------------------------------------------------------------ instruction sets */

#define LANES 2
#define NAME(x) x##_baseline
#if defined(__aarch64__)
#include <arm_neon.h>
#define VFMA(a, b, c) ((vec)vfmaq_f64((float64x2_t)(c), (float64x2_t)(a), (float64x2_t)(b)))
#define HAS_FMA 1
#else
#define VFMA(a, b, c) ((a) * (b) + (c))
#define HAS_FMA 0
#endif
#define VBROADCAST(p) ALL(*(p))
#include "blocks.h"

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
#define LANES 4
#define NAME(x) x##_avx2
#define VFMA(a, b, c) ((vec)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define VBROADCAST(p) ((vec)_mm256_broadcast_sd(p))
#define HAS_FMA 1
#include "blocks.h"
TARGET_END

TARGET_AVX512
#define LANES 8
#define NAME(x) x##_avx512
#define VFMA(a, b, c) ((vec)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define VBROADCAST(p) ((vec)_mm512_set1_pd(*(p)))
#define HAS_FMA 1
#include "blocks.h"
TARGET_END
#endif

#define CODE const kernels *
#define CODE_FOR(set) &kernels_##set
#include "sets.h"
#include "groups_solve.h"

/* ------------------------------------------------------------------ arguments */

static double *scratch_new(size_t doubles, void **base)
{   /* zeros, aligned to cache lines */
    *base = calloc(doubles + 8, sizeof(double));
    if (!*base) {
        PyErr_NoMemory();
        return NULL;
    }
    return (double *)(((uintptr_t)*base + 63) & ~(uintptr_t)63);
}

static int element(const Py_buffer *view, int *single)
{   /* float64 or float32 in the machine's own byte order */
    const char *f = view->format ? view->format : "B";
    *single = !strcmp(f, "f");
    if (*single || !strcmp(f, "d")) return 0;
    PyErr_Format(PyExc_TypeError, "kernels read float64 and float32, not format '%s'", f);
    return -1;
}

/* A plain contiguous float64 buffer of a known size; `view` must be released when this returns 0 */
static int doubles(PyObject *object, Py_buffer *view, Py_ssize_t size, int writable)
{
    int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0), single;
    if (PyObject_GetBuffer(object, view, flags) < 0) return -1;
    if (element(view, &single) < 0) {
        PyBuffer_Release(view);
        return -1;
    }
    if (single || (size >= 0 && view->len != size * (Py_ssize_t)sizeof(double))) {
        PyErr_Format(PyExc_ValueError, "expected %zd float64, got %zd bytes", size, view->len);
        PyBuffer_Release(view);
        return -1;
    }
    return 0;
}

typedef struct {
    table t;
    Py_ssize_t rows;
    Py_buffer *views;
    int view_count;
} input;

static void input_free(input *in)
{
    for (int i = 0; i < in->view_count; i++) PyBuffer_Release(&in->views[i]);
    free(in->views);
    free((void *)in->t.data);
    free(in->t.stride);
    free(in->t.single);
}

/* A vector with an entry for every row */
static Py_buffer *input_vector(input *in, PyObject *object, int *single)
{
    Py_buffer *view = &in->views[in->view_count];
    if (PyObject_GetBuffer(object, view, PyBUF_STRIDED_RO | PyBUF_FORMAT) < 0) return NULL;
    in->view_count++;
    if (element(view, single) < 0) return NULL;
    if (view->ndim != 1 || view->shape[0] != in->rows) {
        PyErr_SetString(PyExc_ValueError, "columns must be vectors of one length");
        return NULL;
    }
    return view;
}

static int input_column(input *in, int j, PyObject *object)
{
    int single;
    Py_buffer *view = input_vector(in, object, &single);
    if (!view) return -1;
    in->t.data[j] = view->buf;
    in->t.stride[j] = view->strides[0];
    in->t.single[j] = (unsigned char)single;
    return 0;
}

static int input_matrix(input *in, PyObject *x)
{
    Py_buffer *view = &in->views[in->view_count];
    int single;
    if (PyObject_GetBuffer(x, view, PyBUF_STRIDED_RO | PyBUF_FORMAT) < 0) return -1;
    in->view_count++;
    if (element(view, &single) < 0) return -1;
    if (view->ndim != 2 || view->shape[0] != in->rows || view->shape[1] != in->t.predictors) {
        PyErr_SetString(PyExc_ValueError, "x must be an (m, p) matrix with the rows of y");
        return -1;
    }
    for (int j = 0; j < in->t.predictors; j++) {
        in->t.data[j] = (const char *)view->buf + j * view->strides[1];
        in->t.stride[j] = view->strides[0];
        in->t.single[j] = (unsigned char)single;
    }
    in->t.row_major = in->t.predictors > 0 && view->strides[1] == view->itemsize;
    return 0;
}

static int input_weight(input *in, PyObject *weight)
{
    Py_buffer *view = input_vector(in, weight, &in->t.weight_single);
    if (!view) return -1;
    in->t.weight = view->buf;
    in->t.weight_stride = view->strides[0];
    return 0;
}

/* x: (m, p) matrix or p columns of (m,); y: (m,); weight: (m,) or None. input_free() in any case. */
static int input_read(input *in, PyObject *x, PyObject *y, PyObject *weight)
{
    memset(in, 0, sizeof *in);
    int columns = PyTuple_Check(x);
    Py_ssize_t p;
    in->rows = PyObject_Size(y);
    if (in->rows < 0) return -1;
    if (columns) {
        p = PyTuple_Size(x);
    } else {
        PyObject *shape = PyObject_GetAttrString(x, "shape");
        PyObject *second = shape && PyTuple_Check(shape) ? PyTuple_GetItem(shape, 1) : NULL;
        p = second ? PyLong_AsSsize_t(second) : -1;
        Py_XDECREF(shape);
        if (p < 0) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "x must be a matrix");
            return -1;
        }
    }
    if (p < 0 || p > 1000000) {
        PyErr_SetString(PyExc_ValueError, "too many columns");
        return -1;
    }
    in->t.predictors = (int)p;
    in->views = calloc((size_t)p + 3, sizeof *in->views);
    in->t.data = calloc((size_t)p + 1, sizeof *in->t.data);
    in->t.stride = calloc((size_t)p + 1, sizeof *in->t.stride);
    in->t.single = calloc((size_t)p + 1, 1);
    if (!in->views || !in->t.data || !in->t.stride || !in->t.single) {
        PyErr_NoMemory();
        return -1;
    }
    if (columns) {
        for (int j = 0; j < p; j++)
            if (input_column(in, j, PyTuple_GetItem(x, j)) < 0) return -1;
    } else if (input_matrix(in, x) < 0) {
        return -1;
    }
    if (input_column(in, (int)p, y) < 0) return -1;
    return weight == Py_None ? 0 : input_weight(in, weight);
}

/* Take `count` contiguous float64 buffers; released together */
static int many_doubles(PyObject *const *objects, Py_buffer *views, const Py_ssize_t *sizes,
                        int count, int writable_from)
{
    for (int i = 0; i < count; i++)
        if (doubles(objects[i], &views[i], sizes[i], i >= writable_from) < 0) {
            while (i-- > 0) PyBuffer_Release(&views[i]);
            return -1;
        }
    return 0;
}

static void release(Py_buffer *views, int count)
{
    for (int i = 0; i < count; i++) PyBuffer_Release(&views[i]);
}

/* ------------------------------------------------------------------ calls */

/* gram(x, y, weight, tier, scale, shift, out): out takes Σz high, low (q each), Σzzᵀ high, low (q² each) */
static PyObject *py_gram(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 7) < 0) return NULL;
    long tier = PyLong_AsLong(args[3]);
    if (tier < 0 || tier > 2) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "tier must be 0, 1 or 2");
        return NULL;
    }
    input in;
    PyObject *result = NULL;
    Py_buffer views[3];
    void *base;
    if (input_read(&in, args[0], args[1], args[2]) < 0) goto done;
    Py_ssize_t q = in.t.predictors + 1, sizes[3] = {q, q, 2 * q + 2 * q * q};
    if (many_doubles(args + 4, views, sizes, 3, 2) < 0) goto done;
    double *scratch = scratch_new(active->code->gram_scratch((int)q, (int)tier), &base);
    if (scratch) {
        double *out = views[2].buf;
        sums s = {out, out + q, out + 2 * q, out + 2 * q + q * q};
        const kernels *code = active->code;
        Py_BEGIN_ALLOW_THREADS
        code->gram(&in.t, in.rows, views[0].buf, views[1].buf, (int)tier, &s, scratch);
        free(base);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(views, 3);
done:
    input_free(&in);
    return result;
}

/* add(q, total, part): total += part, both as gram() writes them */
static PyObject *py_add(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 3) < 0) return NULL;
    Py_ssize_t q = PyLong_AsSsize_t(args[0]);
    if (q < 0 || q > 1000000) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "too many columns");
        return NULL;
    }
    Py_buffer views[2];
    Py_ssize_t sizes[2] = {2 * q + 2 * q * q, 2 * q + 2 * q * q};
    PyObject *const objects[2] = {args[2], args[1]};
    if (many_doubles(objects, views, sizes, 2, 1) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    double *to = views[1].buf;
    const double *from = views[0].buf;
    for (int half = 0; half < 2; half++) {
        Py_ssize_t size = half ? q * q : q;
        for (Py_ssize_t i = 0; i < size; i++) {
            dd s = dd_add((dd){to[i], to[size + i]}, (dd){from[i], from[size + i]});
            to[i] = s.h;
            to[size + i] = s.l;
        }
        to += 2 * size;
        from += 2 * size;
    }
    Py_END_ALLOW_THREADS
    release(views, 2);
    return Py_NewRef(Py_None);
}

/* residual_sums(x, y, weight, b0_high, b0_low, scale, b_high, b_low, out): out takes high, low
 * (p + 2) */
static PyObject *py_residual_sums(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 9) < 0) return NULL;
    dd b0 = {PyFloat_AsDouble(args[3]), PyFloat_AsDouble(args[4])};
    if (PyErr_Occurred()) return NULL;
    input in;
    PyObject *result = NULL;
    Py_buffer views[4];
    void *base;
    if (input_read(&in, args[0], args[1], args[2]) < 0) goto done;
    Py_ssize_t p = in.t.predictors, sizes[4] = {p + 1, p, p, 2 * (p + 2)};
    if (many_doubles(args + 5, views, sizes, 4, 3) < 0) goto done;
    const kernels *code = active->code;
    double *scratch = scratch_new(code->residual_scratch((int)p), &base);
    const double **columns = malloc(sizeof(double *) * (size_t)(p + 1));
    if (scratch && columns) {
        double *out = views[3].buf;
        Py_BEGIN_ALLOW_THREADS
        code->residual_sums(&in.t, in.rows, views[0].buf, b0, views[1].buf, views[2].buf, out,
                            out + p + 2, scratch, columns);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    } else if (!columns) {
        PyErr_NoMemory();
    }
    free((void *)columns);
    if (scratch) free(base);
    release(views, 4);
done:
    input_free(&in);
    return result;
}

/* whitened_gram(x, y, weight, scale, mean_high, mean_low, width, weights, out): out takes width² */
static PyObject *py_whitened_gram(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 9) < 0) return NULL;
    Py_ssize_t r = PyLong_AsSsize_t(args[6]);
    if (r < 0 || r > 1000000) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "too many columns");
        return NULL;
    }
    PyObject *const arrays[5] = {args[3], args[4], args[5], args[7], args[8]};
    input in;
    PyObject *result = NULL;
    Py_buffer views[5];
    void *base;
    if (input_read(&in, args[0], args[1], args[2]) < 0) goto done;
    Py_ssize_t p = in.t.predictors, sizes[5] = {p, p, p, p * r, r * r};
    if (many_doubles(arrays, views, sizes, 5, 4) < 0) goto done;
    const kernels *code = active->code;
    double *scratch = scratch_new(code->whitened_scratch((int)p, (int)r), &base);
    const double **columns = malloc(sizeof(double *) * (size_t)(p + 1));
    if (scratch && columns) {
        Py_BEGIN_ALLOW_THREADS
        code->whitened_gram(&in.t, in.rows, views[0].buf, views[1].buf, views[2].buf,
                            views[3].buf, (int)r, views[4].buf, scratch, columns);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    } else if (!columns) {
        PyErr_NoMemory();
    }
    free((void *)columns);
    if (scratch) free(base);
    release(views, 5);
done:
    input_free(&in);
    return result;
}

static Py_ssize_t length(PyObject *object)
{
    Py_ssize_t n = PyObject_Size(object);
    if (n > 1000000) {
        PyErr_SetString(PyExc_ValueError, "too many columns");
        return -1;
    }
    return n;
}

/* cholesky(capacity, tolerance, skipped, high, low): in place, R in the upper triangle */
static PyObject *py_cholesky(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 5) < 0) return NULL;
    long capacity = PyLong_AsLong(args[0]);
    Py_ssize_t p = length(args[1]);
    if (PyErr_Occurred()) return NULL;
    Py_buffer views[3], skipped;
    Py_ssize_t sizes[3] = {p, p * p, p * p};
    PyObject *const objects[3] = {args[1], args[3], args[4]};
    if (many_doubles(objects, views, sizes, 3, 1) < 0) return NULL;
    PyObject *result = NULL;
    if (PyObject_GetBuffer(args[2], &skipped, PyBUF_WRITABLE) == 0) {
        if (skipped.len == p) {
            Py_BEGIN_ALLOW_THREADS
            active->code->cholesky(views[1].buf, views[2].buf, (int)p, views[0].buf,
                                   capacity > p ? (int)p : (int)capacity, skipped.buf);
            Py_END_ALLOW_THREADS
            result = Py_NewRef(Py_None);
        } else {
            PyErr_SetString(PyExc_ValueError, "skipped must have one byte a column");
        }
        PyBuffer_Release(&skipped);
    }
    release(views, 3);
    return result;
}

/* substitute(r_high, r_low, high, low): RᵀR·v = (high, low), in place */
static PyObject *py_substitute(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 4) < 0) return NULL;
    Py_ssize_t p = length(args[0]);
    if (p < 0) return NULL;
    Py_buffer views[4];
    Py_ssize_t sizes[4] = {p * p, p * p, p, p};
    if (many_doubles(args, views, sizes, 4, 2) < 0) return NULL;
    dd_substitute(p, views[0].buf, views[1].buf, views[2].buf, views[3].buf);
    release(views, 4);
    return Py_NewRef(Py_None);
}

/* dot(a_high, a_low, b_high, b_low) -> (high, low) */
static PyObject *py_dot(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 4) < 0) return NULL;
    Py_ssize_t p = length(args[0]), sizes[4] = {p, p, p, p};
    Py_buffer v[4];
    if (p < 0 || many_doubles(args, v, sizes, 4, 4) < 0) return NULL;
    dd sum = dd_dot(p, v[0].buf, v[1].buf, v[2].buf, v[3].buf);
    release(v, 4);
    return Py_BuildValue("dd", sum.h, sum.l);
}

/* add_multiple(high, low, factor_high, factor_low, x_high, x_low): v += factor·x */
static PyObject *py_add_multiple(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 6) < 0) return NULL;
    dd factor = {PyFloat_AsDouble(args[2]), PyFloat_AsDouble(args[3])};
    if (PyErr_Occurred()) return NULL;
    Py_ssize_t p = length(args[0]), sizes[4] = {p, p, p, p};
    PyObject *const objects[4] = {args[4], args[5], args[0], args[1]};
    Py_buffer v[4];
    if (p < 0 || many_doubles(objects, v, sizes, 4, 2) < 0) return NULL;
    dd_add_multiple(p, v[2].buf, v[3].buf, factor, v[0].buf, v[1].buf);
    release(v, 4);
    return Py_NewRef(Py_None);
}

/* symmetric_update(high, low, a_high, a_low, b_high, b_low): M += (a·bᵀ + b·aᵀ)/2 from its upper
 * triangle, to which both triangles are set */
static PyObject *py_symmetric_update(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 6) < 0) return NULL;
    Py_ssize_t q = length(args[2]), sizes[6] = {q, q, q, q, q * q, q * q};
    PyObject *const objects[6] = {args[2], args[3], args[4], args[5], args[0], args[1]};
    Py_buffer v[6];
    if (q < 0 || many_doubles(objects, v, sizes, 6, 4) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    dd_symmetric_update(q, v[4].buf, v[5].buf, v[0].buf, v[1].buf, v[2].buf, v[3].buf);
    Py_END_ALLOW_THREADS
    release(v, 6);
    return Py_NewRef(Py_None);
}

/* invert_triangle(r_high, r_low, out) */
static PyObject *py_invert_triangle(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 3) < 0) return NULL;
    Py_ssize_t p = length(args[0]);
    if (p < 0) return NULL;
    Py_buffer views[3];
    Py_ssize_t sizes[3] = {p * p, p * p, p * p};
    if (many_doubles(args, views, sizes, 3, 2) < 0) return NULL;
    PyObject *result = NULL;
    double *low = malloc(sizeof(double) * (size_t)(p * p) + 64);
    if (low) {
        Py_BEGIN_ALLOW_THREADS
        active->code->invert_triangle(views[0].buf, views[1].buf, (int)p, views[2].buf, low);
        free(low);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    } else {
        PyErr_NoMemory();
    }
    release(views, 3);
    return result;
}

/* small_fit(x, y, intercept, wanted, tolerance, bounds, out) -> None where the table is not one for
 * it, else (tier, passes, target_mean, its low word, RSS, TSS, condition number, digits of the worst
 * coefficient: trusted, data). `out` takes, with q = p + 1: exponents, shift and Σz high, low (q
 * each), Σzzᵀ high, low (q² each), six rows of q as answer.py has them, then predictor means, their
 * low words, scales (p each) and R⁻¹ (p²). */
static PyObject *py_small_fit(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 7) < 0) return NULL;
    int intercept = PyObject_IsTrue(args[2]);
    double wanted = PyFloat_AsDouble(args[3]), tolerance = PyFloat_AsDouble(args[4]);
    if (PyErr_Occurred()) return NULL;
    input in;
    PyObject *result = NULL;
    Py_buffer views[2];
    void *base;
    if (input_read(&in, args[0], args[1], Py_None) < 0) goto done;
    int p = in.t.predictors;
    Py_ssize_t q = p + 1;
    Py_ssize_t sizes[2] = {sizeof(bounds) / sizeof(double), 10 * q + 2 * q * q + 3 * p + p * p};
    if (p < 1 || p > SMALL_PREDICTORS || in.rows <= p + intercept) {
        result = Py_NewRef(Py_None);
        goto done;
    }
    if (many_doubles(args + 5, views, sizes, 2, 1) < 0) goto done;
    const kernels *code = active->code;
    double *scratch = scratch_new(small_scratch(p, code), &base);
    if (scratch) {
        double *at = views[1].buf;
        small_answer a;
        a.exponents = small_take(&at, q);
        a.shift = small_take(&at, q);
        a.moments.first_high = small_take(&at, q);
        a.moments.first_low = small_take(&at, q);
        a.moments.second_high = small_take(&at, q * q);
        a.moments.second_low = small_take(&at, q * q);
        a.table = small_take(&at, 6 * q);
        a.means = small_take(&at, p);
        a.mean_lows = small_take(&at, p);
        a.scales = small_take(&at, p);
        a.root = at;
        int regular;
        Py_BEGIN_ALLOW_THREADS
        regular = small_fit(&in.t, in.rows, intercept, wanted, tolerance, views[0].buf, code,
                            scratch, &a);
        free(base);
        Py_END_ALLOW_THREADS
        result = regular ? Py_BuildValue("iiddddddd", a.tier, a.passes, a.target_mean,
                                         a.target_mean_low, a.residual_square, a.total_square,
                                         a.condition, a.least_trusted, a.least_data)
                         : Py_NewRef(Py_None);
    }
    release(views, 2);
done:
    input_free(&in);
    return result;
}

/* group_size(q) -> doubles of one group's state */
static PyObject *py_group_size(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 1) < 0) return NULL;
    long q = PyLong_AsLong(args[0]);
    if (PyErr_Occurred()) return NULL;
    if (q < 1 || q > 1000000) {
        PyErr_SetString(PyExc_ValueError, "q is out of range");
        return NULL;
    }
    return PyLong_FromSsize_t(group_size((int)q));
}

/* grouped(x, y, weight, codes, frequency, scale, states): adds every row to the state of its group */
static PyObject *py_grouped(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 7) < 0) return NULL;
    int frequency = PyObject_IsTrue(args[4]);
    input in;
    PyObject *result = NULL;
    Py_buffer views[3];
    if (input_read(&in, args[0], args[1], args[2]) < 0) goto done;
    Py_ssize_t q = in.t.predictors + 1, sizes[3] = {in.rows, q, -1};
    PyObject *objects[3] = {args[3], args[5], args[6]};
    if (many_doubles(objects, views, sizes, 3, 2) < 0) goto done;
    const Py_ssize_t size = group_size((int)q);
    const Py_ssize_t groups = views[2].len / (Py_ssize_t)sizeof(double) / size;
    const double *codes = views[0].buf;
    int valid = 1;
    for (Py_ssize_t i = 0; valid && i < in.rows; i++)
        valid = codes[i] >= 0.0 && codes[i] < (double)groups;
    void *base = NULL;
    double *scratch = valid ? scratch_new(4 * GROUP_PAD((size_t)q + 1), &base) : NULL;
    if (!valid) PyErr_SetString(PyExc_ValueError, "a row belongs to no group");
    if (scratch) {
        Py_BEGIN_ALLOW_THREADS
        active->code->grouped(&in.t, in.rows, views[1].buf, codes, frequency, views[2].buf, scratch);
        free(base);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(views, 3);
done:
    input_free(&in);
    return result;
}

/* group_solve(q, intercept, wanted, tolerance, product_error, bounds, exponents, states, out): fits
 * every group; `out` takes GROUP_ANSWER(q) numbers of each, the last one 0 where solve.py must */
static PyObject *py_group_solve(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 9) < 0) return NULL;
    long q = PyLong_AsLong(args[0]);
    int intercept = PyObject_IsTrue(args[1]);
    double wanted = PyFloat_AsDouble(args[2]), tolerance = PyFloat_AsDouble(args[3]);
    double product_error = PyFloat_AsDouble(args[4]);
    if (PyErr_Occurred()) return NULL;
    if (q < 2 || q > SMALL_PREDICTORS + 1) {
        PyErr_SetString(PyExc_ValueError, "q is out of range");
        return NULL;
    }
    const Py_ssize_t size = group_size((int)q);
    Py_buffer views[4];
    Py_ssize_t sizes[4] = {sizeof(bounds) / sizeof(double), q, -1, -1};
    if (many_doubles(args + 5, views, sizes, 4, 3) < 0) return NULL;
    PyObject *result = NULL;
    const Py_ssize_t groups = views[2].len / (Py_ssize_t)sizeof(double) / size;
    void *base = NULL;
    if (views[3].len != groups * GROUP_ANSWER(q) * (Py_ssize_t)sizeof(double)) {
        PyErr_SetString(PyExc_ValueError, "sizes disagree");
    } else {
        double *scratch = scratch_new(group_scratch((int)q), &base);
        if (scratch) {
            const double *states = views[2].buf;
            double *out = views[3].buf;
            Py_BEGIN_ALLOW_THREADS
            for (Py_ssize_t g = 0; g < groups; g++)
                group_solve(states + g * size, (int)q - 1, intercept, wanted, tolerance,
                            product_error, views[1].buf, views[0].buf, active->code, scratch,
                            out + g * GROUP_ANSWER(q));
            free(base);
            Py_END_ALLOW_THREADS
            result = Py_NewRef(Py_None);
        }
    }
    release(views, 4);
    return result;
}

static PyMethodDef methods[] = {
    CALL(group_size, "group_size(q) -> doubles of one group's state"),
    CALL(grouped, "grouped(x, y, weight, codes, frequency, scale, states)"),
    CALL(group_solve,
         "group_solve(q, intercept, wanted, tolerance, product_error, bounds, exponents, states, out)"),
    CALL(gram, "gram(x, y, weight, tier, scale, shift, out)"),
    CALL(add, "add(q, total, part)"),
    CALL(residual_sums, "residual_sums(x, y, weight, b0_high, b0_low, scale, b_high, b_low, out)"),
    CALL(whitened_gram, "whitened_gram(x, y, weight, scale, mean_high, mean_low, width, weights, out)"),
    CALL(dot, "dot(a_high, a_low, b_high, b_low) -> (high, low)"),
    CALL(add_multiple, "add_multiple(high, low, factor_high, factor_low, x_high, x_low)"),
    CALL(symmetric_update, "symmetric_update(high, low, a_high, a_low, b_high, b_low)"),
    CALL(cholesky, "cholesky(capacity, tolerance, skipped, high, low)"),
    CALL(substitute, "substitute(r_high, r_low, high, low)"),
    CALL(invert_triangle, "invert_triangle(r_high, r_low, out)"),
    CALL(small_fit, "small_fit(x, y, intercept, wanted, tolerance, bounds, out) -> None or numbers"),
    SET_CALLS,
    {NULL, NULL, 0, NULL},
};

MODULE(_kernels, "Compiled kernels of gausswork.")
