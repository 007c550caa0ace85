/* Which instruction set serves: the best at load, another by name in the tests.
 *
 * The including file has compiled its loops for each set, and defines CODE, the type of a pointer to
 * them, and CODE_FOR(set), such a pointer. `active->code` is what to call. The module ends in
 * MODULE(name, text) with its `methods`, SET_CALLS among them.
 */

typedef struct {
    const char *name;
    CODE code;
    int usable;
} instruction_set;

static instruction_set sets[] = {
    {"baseline", CODE_FOR(baseline), 1},
#if defined(__x86_64__)
    {"avx2", CODE_FOR(avx2), 0},
    {"avx512", CODE_FOR(avx512), 0},
#endif
};
#define SETS ((int)(sizeof sets / sizeof *sets))
static const instruction_set *active = sets;

static void detect(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    sets[1].usable = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    sets[2].usable = sets[1].usable && __builtin_cpu_supports("avx512f") &&
                     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                     __builtin_cpu_supports("avx512bw");
#endif
    for (int i = 0; i < SETS; i++)
        if (sets[i].usable) active = sets + i;
}

static int arity(Py_ssize_t given, Py_ssize_t wanted)
{
    if (given == wanted) return 0;
    PyErr_Format(PyExc_TypeError, "expected %zd arguments, got %zd", wanted, given);
    return -1;
}

static PyObject *py_instruction_sets(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self, (void)args;
    if (arity(nargs, 0) < 0) return NULL;
    PyObject *names = PyList_New(0);
    for (int i = 0; names && i < SETS; i++) {
        if (!sets[i].usable) continue;
        PyObject *name = PyUnicode_FromString(sets[i].name);
        if (!name || PyList_Append(names, name) < 0) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

static PyObject *py_use(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (arity(nargs, 1) < 0) return NULL;
    for (int i = 0; i < SETS; i++)
        if (sets[i].usable && PyUnicode_Check(args[0]) &&
            PyUnicode_CompareWithASCIIString(args[0], sets[i].name) == 0) {
            const char *before = active->name;
            active = sets + i;
            return PyUnicode_FromString(before);
        }
    PyErr_Format(PyExc_ValueError, "%R is not an instruction set of this machine", args[0]);
    return NULL;
}

#define CALL(name, text) {#name, (PyCFunction)(void (*)(void))py_##name, METH_FASTCALL, text}
#define SET_CALLS \
    CALL(instruction_sets, "instruction_sets() -> names this machine can run"), \
    CALL(use, "use(name) -> the name in use before")

#define MODULE(module, text) \
static PyModuleDef_Slot slots[] = {{0, NULL}}; \
static struct PyModuleDef definition = { \
    PyModuleDef_HEAD_INIT, .m_name = #module, .m_doc = text, .m_methods = methods, \
    .m_slots = slots, \
}; \
PyMODINIT_FUNC PyInit_##module(void) \
{ \
    detect(); \
    return PyModuleDef_Init(&definition); \
}
