/* Recursive residuals: rows rotated into a triangular factor one after the other.
 *
 * What a row [x, e] leaves when it has been rotated into the factor of the rows before it is the error
 * of predicting it from them, standardised (Gentleman 1973): neither a solution nor an inverse is
 * needed, and the factor is that of an orthogonal triangularisation. Everything passes through the
 * buffer protocol and the limited API; the call releases the GIL and writes to nothing but its state.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* factor: (d, d + 1) triangular, row by row; rows: (m, d + 1) of [x, e]; sums: count, total, square */
static void rotate(double *factor, ptrdiff_t d, const double *rows, ptrdiff_t m, double *row,
                   double *sums)
{
    const ptrdiff_t width = d + 1;
    for (ptrdiff_t i = 0; i < m; i++) {
        memcpy(row, rows + i * width, (size_t)width * sizeof(double));
        for (ptrdiff_t j = 0; j < d; j++) {
            const double b = row[j];
            if (b == 0.0) continue;
            double *restrict triangle = factor + j * width;
            const double a = triangle[j];
            /* the sign of the pivot stays: then what is left has the sign of the error */
            const double length = copysign(sqrt(a * a + b * b), a);
            const double c = a / length, s = b / length;
            triangle[j] = length;
            for (ptrdiff_t k = j + 1; k < width; k++) {
                const double t = triangle[k];
                triangle[k] = c * t + s * row[k];
                row[k] = c * row[k] - s * t;
            }
        }
        sums[0] += 1.0;
        sums[1] += row[d];
        sums[2] += row[d] * row[d];
    }
}

static PyObject *py_rotate(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    Py_buffer views[3];
    PyObject *result = NULL;
    int held = 0;
    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "expected 3 arguments");
        return NULL;
    }
    static const int flags[3] = {PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS, PyBUF_C_CONTIGUOUS,
                                 PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS};
    for (; held < 3; held++)
        if (PyObject_GetBuffer(args[held], views + held, flags[held]) < 0) goto done;
    const Py_ssize_t entries = views[0].len / (Py_ssize_t)sizeof(double);
    ptrdiff_t d = (ptrdiff_t)((sqrt(1.0 + 4.0 * (double)entries) - 1.0) / 2.0 + 0.5);
    const ptrdiff_t bytes = (d + 1) * (ptrdiff_t)sizeof(double);
    if (d * bytes != views[0].len || views[1].len % bytes ||
        views[2].len != 3 * (Py_ssize_t)sizeof(double)) {
        PyErr_SetString(PyExc_ValueError, "sizes disagree");
        goto done;
    }
    double *row = malloc((size_t)bytes);
    if (!row) {
        PyErr_NoMemory();
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    rotate(views[0].buf, d, views[1].buf, views[1].len / bytes, row, views[2].buf);
    Py_END_ALLOW_THREADS
    free(row);
    Py_INCREF(Py_None);
    result = Py_None;
done:
    for (int i = 0; i < held; i++) PyBuffer_Release(views + i);
    return result;
}

static PyMethodDef methods[] = {
    {"rotate", (PyCFunction)(void (*)(void))py_rotate, METH_FASTCALL,
     "rotate(factor, rows, sums): rotate rows into a triangular factor; add up what is left"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_recursion", .m_doc = "Compiled recursive residuals.",
    .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC PyInit__recursion(void)
{
    return PyModuleDef_Init(&definition);
}
