/* Mini-batch descent: a run of steps over rows in memory in one call.
 *
 * Everything passes through the buffer protocol and the limited API; the call releases the GIL and
 * writes to nothing but the state.
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

#define LANES 8
#define AHEAD_BYTES 4096 /* rows are asked for so far ahead of their use */

typedef struct {
    const char *data; /* NULL where there is none */
    ptrdiff_t stride; /* bytes from row to row */
    int single;       /* float32 */
} column;

typedef struct {
    column x, y, w;
    int predictors, width; /* p; p + 1 in whole lanes */
    ptrdiff_t bytes;       /* of the predictors of a row */
    ptrdiff_t ahead;       /* rows */
    const int64_t *order;
    ptrdiff_t count, batch, steps;
    double one;            /* 1 with an intercept, else 0 */
    const double *rates, *shift, *scale, *pull;
    int rule;
    double first, second, epsilon, average_from, limit;
} job;

static inline double value(const column *c, ptrdiff_t row)
{
    const char *at = c->data + row * c->stride;
    return c->single ? *(const float *)at : *(const double *)at;
}

/* ------------------------------------------------------------------ instruction sets */

#define LOAD(p) (*(const NAME(loose) *)(p))
#define STORE(p, v) (*(NAME(loose) *)(p) = (v))
#define TYPES                                                          \
    typedef double NAME(vec) __attribute__((vector_size(32)));  \
    typedef double NAME(loose) __attribute__((vector_size(32), aligned(8), may_alias));

#define NAME(x) x##_baseline
TYPES
#include "stochastic_steps.h"
#undef NAME

#if defined(__x86_64__)
#if defined(__clang__)
#define TARGET_AVX2 _Pragma("clang attribute push(__attribute__((target(\"avx2\"))), apply_to = function)")
#define TARGET_AVX512 _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512dq,avx512vl,avx2\"))), apply_to = function)")
#define TARGET_END _Pragma("clang attribute pop")
#else
#define TARGET_AVX2 _Pragma("GCC push_options") _Pragma("GCC target(\"avx2\")")
#define TARGET_AVX512 _Pragma("GCC push_options") _Pragma("GCC target(\"avx512f,avx512dq,avx512vl,avx2\")")
#define TARGET_END _Pragma("GCC pop_options")
#endif

TARGET_AVX2
#define NAME(x) x##_avx2
TYPES
#include "stochastic_steps.h"
#undef NAME
TARGET_END

TARGET_AVX512
#define NAME(x) x##_avx512
TYPES
#include "stochastic_steps.h"
#undef NAME
TARGET_END
#endif

typedef ptrdiff_t (*advance_function)(const job *, double *, double *);
#define CODE advance_function
#define CODE_FOR(set) advance_##set
#include "sets.h"

/* ------------------------------------------------------------------ arguments */

/* A buffer of float64 or float32 with so many dimensions; released by the caller when this is 0 */
static int floats(PyObject *object, Py_buffer *view, int dimensions, column *out)
{
    if (PyObject_GetBuffer(object, view, PyBUF_STRIDED_RO | PyBUF_FORMAT) < 0) return -1;
    const char *f = view->format ? view->format : "B";
    out->single = !strcmp(f, "f");
    if ((!out->single && strcmp(f, "d")) || view->ndim != dimensions) {
        PyErr_Format(PyExc_TypeError, "steps read float64 and float32 in %d dimensions, not '%s'",
                     dimensions, f);
        PyBuffer_Release(view);
        return -1;
    }
    out->data = view->buf;
    out->stride = view->strides[0];
    return 0;
}

/* A contiguous buffer of 8-byte numbers of a kind ("d", or integers) and a size */
static void *plain(PyObject *object, Py_buffer *view, const char *kinds, Py_ssize_t size,
                   int writable)
{
    int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object, view, flags) < 0) return NULL;
    const char *f = view->format ? view->format : "B";
    if (strlen(f) != 1 || !strchr(kinds, *f) || view->itemsize != 8 ||
        (size >= 0 && view->len != 8 * size)) {
        PyErr_Format(PyExc_ValueError, "expected %zd numbers of kind %s, got %zd bytes of '%s'",
                     size, kinds, view->len, f);
        PyBuffer_Release(view);
        return NULL;
    }
    return view->buf;
}

static int in_range(const int64_t *order, ptrdiff_t count, ptrdiff_t rows)
{
    uint64_t worst = 0;
    for (ptrdiff_t i = 0; i < count; i++)
        worst = (uint64_t)order[i] > worst ? (uint64_t)order[i] : worst;
    return count == 0 || worst < (uint64_t)rows;
}

/* advance(x, y, weight, order, batch, rates, intercept, shift, scale, pull, rule, first, second,
 * epsilon, average_from, limit, state) -> steps taken */
static PyObject *py_advance(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (nargs != 17) {
        PyErr_Format(PyExc_TypeError, "expected 17 arguments, got %zd", nargs);
        return NULL;
    }
    job j;
    memset(&j, 0, sizeof j);
    Py_buffer views[9];
    int held = 0;
    PyObject *result = NULL;
    j.batch = PyLong_AsSsize_t(args[4]);
    j.one = PyObject_IsTrue(args[6]) ? 1.0 : 0.0;
    j.rule = (int)PyLong_AsLong(args[10]);
    j.first = PyFloat_AsDouble(args[11]);
    j.second = PyFloat_AsDouble(args[12]);
    j.epsilon = PyFloat_AsDouble(args[13]);
    j.average_from = PyFloat_AsDouble(args[14]);
    j.limit = PyFloat_AsDouble(args[15]);
    if (PyErr_Occurred()) return NULL;
    if (floats(args[0], views, 2, &j.x) < 0) return NULL;
    held = 1;
    Py_ssize_t rows = views[0].shape[0], p = views[0].shape[1];
    if (p > 1000000 || (p > 1 && views[0].strides[1] != views[0].itemsize) || j.batch < 1) {
        PyErr_SetString(PyExc_ValueError, "rows must lie in one piece, batches have a row");
        goto done;
    }
    if (floats(args[1], views + held, 1, &j.y) < 0) goto done;
    held++;
    if (args[2] != Py_None) {
        if (floats(args[2], views + held, 1, &j.w) < 0) goto done;
        held++;
        if (views[2].shape[0] != rows) {
            PyErr_SetString(PyExc_ValueError, "weights of other rows");
            goto done;
        }
    }
    j.predictors = (int)p;
    j.width = (int)((p + LANES) / LANES * LANES);
    j.bytes = p * views[0].itemsize;
    j.ahead = AHEAD_BYTES / (j.bytes + 1);
    j.ahead = j.ahead < 2 ? 2 : j.ahead > 32 ? 32 : j.ahead;
    if (!(j.order = plain(args[3], views + held, "lq", -1, 0))) goto done;
    j.count = views[held++].len / 8;
    j.steps = (j.count + j.batch - 1) / j.batch;
    if (!(j.rates = plain(args[5], views + held, "d", j.steps, 0))) goto done;
    held++;
    if (!(j.shift = plain(args[7], views + held, "d", j.width + 1, 0))) goto done;
    held++;
    if (!(j.scale = plain(args[8], views + held, "d", j.width + 1, 0))) goto done;
    held++;
    if (!(j.pull = plain(args[9], views + held, "d", j.width, 0))) goto done;
    held++;
    double *state = plain(args[16], views + held, "d", 4 * j.width + 8, 1);
    if (!state) goto done;
    held++;
    if (views[1].shape[0] != rows || !in_range(j.order, j.count, rows)) {
        PyErr_SetString(PyExc_ValueError, "the order names a row that is not there");
        goto done;
    }
    double *scratch = calloc(2 * (size_t)j.width, sizeof(double));
    if (!scratch) {
        PyErr_NoMemory();
        goto done;
    }
    ptrdiff_t taken;
    Py_BEGIN_ALLOW_THREADS
    taken = active->code(&j, state, scratch);
    Py_END_ALLOW_THREADS
    free(scratch);
    result = PyLong_FromSsize_t(taken);
done:
    for (int i = 0; i < held; i++) PyBuffer_Release(views + i);
    return result;
}

static PyMethodDef methods[] = {
    CALL(advance, "advance(x, y, weight, order, batch, rates, intercept, shift, scale, pull, rule, "
                  "first, second, epsilon, average_from, limit, state) -> steps taken"),
    SET_CALLS,
    {NULL, NULL, 0, NULL},
};

MODULE(_stochastic, "Compiled mini-batch steps.")
