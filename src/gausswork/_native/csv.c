/* Records of a CSV file to columns: numbers to float64, true and false to 1 and 0, text to codes.
 *
 * Numbers are rounded correctly by the method of Lemire (Number parsing at a gigabyte per second,
 * 2021) with a table of powers of five that the caller computes. The few that it cannot decide are
 * listed for the caller, who has exact arithmetic. The parser takes only what is beyond doubt:
 * anything else, a line with too few fields or "1,5" where a number belongs, makes it decline the
 * whole run of records, and a more patient reader reads it, or says what is wrong with it.
 *
 * Quotes as in RFC 4180. Everything passes through the buffer protocol and the limited API; the call
 * releases the GIL and keeps no state.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__GNUC__) || !defined(__SIZEOF_INT128__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the parser needs GCC or Clang on a little-endian machine; without it Arrow's serves"
#endif

#define SMALLEST_POWER (-342) /* of ten: anything smaller is zero, whatever its 19 digits */
#define LARGEST_POWER 308
#define MOST_DIGITS 19        /* that fit into 64 bits */

enum { SKIP = 's', NUMBER = 'n', FLAG = 'f', TEXT = 't' };
enum { FINE = 0, DECLINED = 1, NO_MEMORY = 2 };

typedef unsigned __int128 wide;

typedef struct { /* what is between the separators */
    const unsigned char *start;
    ptrdiff_t length;
} span;

typedef struct { /* the different texts of one column, by an open hash table */
    span *texts;
    uint64_t *hashes;
    int32_t *codes; /* -1 for a text that means "no value" */
    int32_t *slots; /* 1 + number of a text, 0 for a free slot */
    int32_t count, room, slot_count, next_code;
} levels;

typedef struct {
    const unsigned char *data, *end;
    unsigned char separator, decimal;
    const char *kinds; /* one of SKIP, NUMBER, FLAG, TEXT per column */
    ptrdiff_t columns, rows;
    span missing[64];
    int missing_count;
    const uint64_t *powers; /* high and low word per power of five */
    double *numbers;        /* (number and flag columns, rows) */
    int32_t *codes;         /* (text columns, rows) */
    int64_t *hard;          /* triples: where in the data, how long, index in numbers */
    ptrdiff_t hard_room, hard_count;
    levels *levels; /* one per text column */
} task;

/* ------------------------------------------------------------------ bytes, eight at a time */

static inline uint64_t eight(const unsigned char *p)
{
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

#define EACH UINT64_C(0x0101010101010101)
static inline uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH) & ~word & (EACH << 7);
}

/* How many digits the eight bytes begin with, and their value. */
static inline int leading_digits(uint64_t word, uint64_t *value)
{
    static const uint64_t low_bits = 0x7F * EACH;
    word ^= '0' * EACH; /* a digit becomes its value, anything else at least ten */
    const uint64_t others = (((word & low_bits) + 0x76 * EACH) | word) & ~low_bits;
    const int count = others ? __builtin_ctzll(others) >> 3 : 8;
    word = count ? word << (64 - 8 * count) : 0; /* zeros come in front */
    word = word * 10 + (word >> 8);              /* pairs, in every second byte */
    const uint64_t pairs = UINT64_C(0x000000FF000000FF);
    *value = ((word & pairs) * (100 + (UINT64_C(1000000) << 32)) +
              ((word >> 16) & pairs) * (1 + (UINT64_C(10000) << 32))) >> 32;
    return count;
}

/* The first separator or line break at or after p. */
static inline const unsigned char *field_end(const task *t, const unsigned char *p)
{
    const uint64_t separator = EACH * t->separator, feed = EACH * '\n', back = EACH * '\r';
    while (t->end - p >= 8) {
        const uint64_t word = eight(p);
        const uint64_t found =
            zero_bytes(word ^ separator) | zero_bytes(word ^ feed) | zero_bytes(word ^ back);
        if (found) return p + (__builtin_ctzll(found) >> 3);
        p += 8;
    }
    while (p < t->end && *p != t->separator && *p != '\n' && *p != '\r') p++;
    return p;
}

/* The field at *at without its quotes; *at moves to what ends it. Declines doubled quotes. */
static int take_field(const task *t, const unsigned char **at, span *field)
{
    const unsigned char *p = *at;
    if (p < t->end && *p == '"') {
        const unsigned char *close = memchr(p + 1, '"', (size_t)(t->end - p - 1));
        if (!close) return DECLINED;
        field->start = p + 1;
        field->length = close - p - 1;
        p = close + 1;
        if (p < t->end && *p != t->separator && *p != '\n' && *p != '\r') return DECLINED;
    } else {
        const unsigned char *stop = field_end(t, p);
        field->start = p;
        field->length = stop - p;
        p = stop;
    }
    *at = p;
    return FINE;
}

/* Past a field nobody asked for; its quotes may be doubled. */
static int skip_field(const task *t, const unsigned char **at)
{
    const unsigned char *p = *at;
    if (p < t->end && *p == '"') {
        p++;
        for (;;) {
            p = memchr(p, '"', (size_t)(t->end - p));
            if (!p) return DECLINED;
            p++;
            if (p >= t->end || *p != '"') break;
            p++;
        }
        if (p < t->end && *p != t->separator && *p != '\n' && *p != '\r') return DECLINED;
        *at = p;
        return FINE;
    }
    *at = field_end(t, p);
    return FINE;
}

static int is_missing(const task *t, span field)
{
    if (field.length == 0) return 1;
    for (int i = 0; i < t->missing_count; i++)
        if (t->missing[i].length == field.length &&
            !memcmp(t->missing[i].start, field.start, (size_t)field.length))
            return 1;
    return 0;
}

/* ------------------------------------------------------------------ numbers */

/* digits * 10^power, rounded to nearest, ties to even; 0 where the table cannot decide: a subnormal
 * number. Powers beyond the table are declined before. */
static inline int rounded(const task *t, uint64_t digits, int power, double *out)
{
    const uint64_t *five = t->powers + 2 * (power - SMALLEST_POWER);
    const int zeros = __builtin_clzll(digits);
    digits <<= zeros;
    wide product = (wide)digits * five[0];
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if ((high & 0x1FF) == 0x1FF) { /* the bits below those that count could still carry */
        const uint64_t further = (uint64_t)(((wide)digits * five[1]) >> 64);
        low += further;
        high += low < further;
    }
    const int upper = (int)(high >> 63);
    uint64_t mantissa = high >> (upper + 9);
    /* floor(power * log2(10)) */
    const int exponent = (((152170 + 65536) * power) >> 16) + 63 + upper - zeros + 1023;
    if (exponent <= 0 || exponent >= 0x7FF - 1) return 0;
    if (low <= 1 && power >= -4 && power <= 23 && (mantissa & 3) == 1 &&
        mantissa << (upper + 9) == high)
        mantissa &= ~UINT64_C(1); /* exactly half way between two numbers: to the even one */
    mantissa += mantissa & 1;
    mantissa >>= 1;
    uint64_t bits = ((uint64_t)exponent << 52) + (mantissa & ~(UINT64_C(1) << 52));
    if (mantissa >= UINT64_C(1) << 53) bits = (uint64_t)(exponent + 1) << 52;
    memcpy(out, &bits, 8);
    return 1;
}

#define IS_DIGIT(c) ((unsigned)((c) - '0') < 10u)

/* Past the digits at p, which are appended to *digits. */
static inline const unsigned char *take_digits(const unsigned char *p, const unsigned char *end,
                                               uint64_t *digits)
{
    static const uint64_t tens[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    uint64_t value;
    while (end - p >= 8) {
        const int count = leading_digits(eight(p), &value);
        *digits = *digits * tens[count] + value;
        p += count;
        if (count < 8) return p;
    }
    while (p < end && IS_DIGIT(*p)) *digits = *digits * 10 + (uint64_t)(*p++ - '0');
    return p;
}

/* The number at p into out; returns its end, or NULL where there is no plain number. *sure is 0 where
 * its value is left to the caller. */
static inline const unsigned char *take_number(const task *t, const unsigned char *p, double *out,
                                               int *sure)
{
    const unsigned char *const end = t->end;
    const int negative = *p == '-'; /* there is a byte at p */
    p += negative;
    uint64_t digits = 0;
    const unsigned char *const first = p;
    if (end - p >= 2 && p[1] == t->decimal && IS_DIGIT(*p))
        digits = (uint64_t)(*p++ - '0');
    else
        p = take_digits(p, end, &digits);
    ptrdiff_t count = p - first;
    int64_t power = 0;
    if (p < end && *p == t->decimal) {
        const unsigned char *const fraction = ++p;
        p = take_digits(p, end, &digits);
        power = fraction - p;
        count += p - fraction;
    }
    if (count == 0) return NULL;
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        const int below = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+')) p++;
        const unsigned char *const from = p;
        int64_t exponent = 0;
        while (p < end && IS_DIGIT(*p) && p - from < 6) exponent = exponent * 10 + (*p++ - '0');
        if (p == from || (p < end && IS_DIGIT(*p))) return NULL;
        power += below ? -exponent : exponent;
    }
    *sure = 1;
    if (count > MOST_DIGITS) { /* zeros in front count for nothing: 0.00012345678901234567 */
        const unsigned char *q = first;
        while (count > 0 && q < p && (*q == '0' || *q == t->decimal)) {
            count -= *q == '0';
            q++;
        }
        if (count > MOST_DIGITS) {
            *sure = 0;
            return p;
        }
    }
    double value;
    if (digits == 0)
        value = 0.0;
    else if (power < SMALLEST_POWER || power > LARGEST_POWER)
        return NULL;
    else if (power == 0 && digits < UINT64_C(1) << 53)
        value = (double)(int64_t)digits;
    else if (!rounded(t, digits, (int)power, &value)) {
        *sure = 0;
        return p;
    }
    uint64_t bits; /* no branch: signs are hard to foresee */
    memcpy(&bits, &value, 8);
    bits ^= (uint64_t)negative << 63;
    memcpy(out, &bits, 8);
    return p;
}

/* The number, or the gap, at *at; *at moves to what ends the field. */
static inline int number_field(task *t, const unsigned char **at, double *out)
{
    const unsigned char *p = *at;
    if (p < t->end) {
        const int quoted = *p == '"';
        const unsigned char *start = p + quoted, *stop;
        while (start < t->end && *start == ' ') start++;
        int sure = 1;
        stop = start < t->end ? take_number(t, start, out, &sure) : NULL;
        if (stop) {
            const unsigned char *after = stop;
            while (after < t->end && *after == ' ') after++;
            if (quoted && after < t->end && *after == '"')
                after++;
            else if (quoted)
                return DECLINED;
            if (after >= t->end || *after == t->separator || *after == '\n' || *after == '\r') {
                if (!sure) {
                    if (t->hard_count == t->hard_room) return DECLINED;
                    int64_t *entry = t->hard + 3 * t->hard_count++;
                    entry[0] = start - t->data;
                    entry[1] = stop - start;
                    entry[2] = out - t->numbers;
                }
                *at = after;
                return FINE;
            }
        }
    }
    span field;
    if (take_field(t, at, &field) || !is_missing(t, field)) return DECLINED;
    *out = __builtin_nan("");
    return FINE;
}

static int same(span field, const char *text)
{
    return (size_t)field.length == strlen(text) && !memcmp(field.start, text, (size_t)field.length);
}

static int flag_field(const task *t, const unsigned char **at, double *out)
{
    span field;
    if (take_field(t, at, &field)) return DECLINED;
    if (same(field, "1") || same(field, "True") || same(field, "TRUE") || same(field, "true"))
        *out = 1.0;
    else if (same(field, "0") || same(field, "False") || same(field, "FALSE") ||
             same(field, "false"))
        *out = 0.0;
    else if (is_missing(t, field))
        *out = __builtin_nan("");
    else
        return DECLINED;
    return FINE;
}

/* ------------------------------------------------------------------ texts */

static uint64_t hash_of(span field)
{
    uint64_t hash = UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)field.length;
    const unsigned char *p = field.start;
    ptrdiff_t left = field.length;
    for (; left >= 8; left -= 8, p += 8) {
        hash = (hash ^ eight(p)) * UINT64_C(0xFF51AFD7ED558CCD);
        hash ^= hash >> 32;
    }
    for (; left > 0; left--, p++) hash = (hash ^ *p) * UINT64_C(0xC4CEB9FE1A85EC53);
    return hash ^ (hash >> 29);
}

static int grow(levels *l)
{
    const int32_t room = l->room ? 4 * l->room : 64, slot_count = 2 * room;
    span *texts = realloc(l->texts, (size_t)room * sizeof *texts);
    if (texts) l->texts = texts;
    uint64_t *hashes = realloc(l->hashes, (size_t)room * sizeof *hashes);
    if (hashes) l->hashes = hashes;
    int32_t *codes = realloc(l->codes, (size_t)room * sizeof *codes);
    if (codes) l->codes = codes;
    int32_t *slots = calloc((size_t)slot_count, sizeof *slots);
    if (!texts || !hashes || !codes || !slots) {
        free(slots);
        return NO_MEMORY;
    }
    free(l->slots);
    l->slots = slots;
    l->room = room;
    l->slot_count = slot_count;
    for (int32_t i = 0; i < l->count; i++) {
        uint32_t slot = (uint32_t)l->hashes[i] & (uint32_t)(slot_count - 1);
        while (slots[slot]) slot = (slot + 1) & (uint32_t)(slot_count - 1);
        slots[slot] = i + 1;
    }
    return FINE;
}

static int text_field(const task *t, const unsigned char **at, levels *l, int32_t *code)
{
    span field;
    if (take_field(t, at, &field)) return DECLINED;
    if (l->count == l->room && grow(l)) return NO_MEMORY;
    const uint64_t hash = hash_of(field);
    uint32_t slot = (uint32_t)hash & (uint32_t)(l->slot_count - 1);
    for (int32_t number; (number = l->slots[slot]); slot = (slot + 1) & (uint32_t)(l->slot_count - 1)) {
        const span *known = l->texts + number - 1;
        if (l->hashes[number - 1] == hash && known->length == field.length &&
            !memcmp(known->start, field.start, (size_t)field.length)) {
            *code = l->codes[number - 1];
            return FINE;
        }
    }
    const int32_t number = l->count++;
    l->slots[slot] = number + 1;
    l->texts[number] = field;
    l->hashes[number] = hash;
    *code = l->codes[number] = is_missing(t, field) ? -1 : l->next_code++;
    return FINE;
}

/* ------------------------------------------------------------------ records */

static int parse(task *t, ptrdiff_t *found)
{
    const unsigned char *p = t->data;
    ptrdiff_t row = 0;
    while (p < t->end) {
        if (*p == '\n' || (*p == '\r' && p + 1 < t->end && p[1] == '\n')) { /* a blank line */
            p += *p == '\r' ? 2 : 1;
            continue;
        }
        if (row == t->rows) return DECLINED;
        double *number = t->numbers + row;
        int32_t *code = t->codes + row;
        levels *level = t->levels;
        for (ptrdiff_t column = 0; column < t->columns; column++) {
            int status;
            switch (t->kinds[column]) {
            case NUMBER:
                status = number_field(t, &p, number);
                number += t->rows;
                break;
            case FLAG:
                status = flag_field(t, &p, number);
                number += t->rows;
                break;
            case TEXT:
                status = text_field(t, &p, level++, code);
                code += t->rows;
                break;
            default:
                status = skip_field(t, &p);
            }
            if (status) return status;
            if (column + 1 < t->columns) {
                if (p >= t->end || *p != t->separator) return DECLINED;
                p++;
            }
        }
        row++;
        if (p >= t->end) break;
        if (*p == '\r') p++;
        if (p >= t->end || *p != '\n') return DECLINED; /* a lone return, or one field too many */
        p++;
    }
    *found = row;
    return FINE;
}

/* ------------------------------------------------------------------ what Python calls */

static PyObject *texts_of(const levels *l)
{
    PyObject *list = PyList_New(l->next_code);
    if (!list) return NULL;
    for (int32_t i = 0; i < l->count; i++) {
        if (l->codes[i] < 0) continue;
        PyObject *text = PyUnicode_DecodeUTF8((const char *)l->texts[i].start, l->texts[i].length, NULL);
        if (!text || PyList_SetItem(list, l->codes[i], text) < 0) {
            Py_DECREF(list);
            return NULL;
        }
    }
    return list;
}

static PyObject *py_parse(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    enum { DATA, KINDS, MISSING, POWERS, NUMBERS, CODES, HARD, BUFFERS };
    Py_buffer views[BUFFERS];
    PyObject *result = NULL;
    levels *all = NULL;
    int held = 0;
    ptrdiff_t text_columns = 0, number_columns = 0;
    if (nargs != BUFFERS + 3) {
        PyErr_SetString(PyExc_TypeError, "expected 10 arguments");
        return NULL;
    }
    for (; held < BUFFERS; held++) {
        const int flags = held < NUMBERS ? PyBUF_C_CONTIGUOUS : PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS;
        if (PyObject_GetBuffer(args[held], views + held, flags) < 0) goto done;
    }
    const long separator = PyLong_AsLong(args[BUFFERS]), decimal = PyLong_AsLong(args[BUFFERS + 1]);
    const Py_ssize_t rows = PyLong_AsSsize_t(args[BUFFERS + 2]);
    if (PyErr_Occurred()) goto done;
    task t = {
        .data = views[DATA].buf, .end = (const unsigned char *)views[DATA].buf + views[DATA].len,
        .separator = (unsigned char)separator, .decimal = (unsigned char)decimal,
        .kinds = views[KINDS].buf, .columns = views[KINDS].len, .rows = rows,
        .powers = views[POWERS].buf, .numbers = views[NUMBERS].buf, .codes = views[CODES].buf,
        .hard = views[HARD].buf, .hard_room = views[HARD].len / 24,
    };
    for (ptrdiff_t i = 0; i < t.columns; i++) {
        text_columns += t.kinds[i] == TEXT;
        number_columns += t.kinds[i] == NUMBER || t.kinds[i] == FLAG;
    }
    if (rows < 0 || views[POWERS].len != 16 * (LARGEST_POWER - SMALLEST_POWER + 1) ||
        views[NUMBERS].len < 8 * rows * number_columns || views[CODES].len < 4 * rows * text_columns) {
        PyErr_SetString(PyExc_ValueError, "sizes disagree");
        goto done;
    }
    /* the texts that mean "no value", each ended by a line feed */
    const unsigned char *at = views[MISSING].buf, *const stop = at + views[MISSING].len;
    while (at < stop && t.missing_count < 64) {
        const unsigned char *feed = memchr(at, '\n', (size_t)(stop - at));
        if (!feed) feed = stop;
        t.missing[t.missing_count++] = (span){at, feed - at};
        at = feed + 1;
    }
    all = calloc((size_t)(text_columns ? text_columns : 1), sizeof *all);
    if (!all) {
        PyErr_NoMemory();
        goto done;
    }
    t.levels = all;
    ptrdiff_t found = 0;
    int status;
    Py_BEGIN_ALLOW_THREADS
    status = parse(&t, &found);
    Py_END_ALLOW_THREADS
    if (status == NO_MEMORY) {
        PyErr_NoMemory();
    } else if (status == DECLINED) {
        Py_INCREF(Py_None);
        result = Py_None;
    } else {
        PyObject *texts = PyList_New(0);
        for (ptrdiff_t i = 0; texts && i < text_columns; i++) {
            PyObject *one = texts_of(all + i);
            if (!one || PyList_Append(texts, one) < 0) Py_CLEAR(texts);
            Py_XDECREF(one);
        }
        if (texts) {
            result = Py_BuildValue("nnN", (Py_ssize_t)found, (Py_ssize_t)t.hard_count, texts);
        } else if (PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
            PyErr_Clear(); /* the patient reader says on which line */
            Py_INCREF(Py_None);
            result = Py_None;
        }
    }
done:
    for (ptrdiff_t i = 0; all && i < text_columns; i++) {
        free(all[i].texts);
        free(all[i].hashes);
        free(all[i].codes);
        free(all[i].slots);
    }
    free(all);
    for (int i = 0; i < held; i++) PyBuffer_Release(views + i);
    return result;
}

/* Count a byte: the lines of a chunk. */
static PyObject *py_count(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    if (nargs != 2) {
        PyErr_SetString(PyExc_TypeError, "expected 2 arguments");
        return NULL;
    }
    const long byte = PyLong_AsLong(args[1]);
    Py_buffer view;
    if (PyErr_Occurred() || PyObject_GetBuffer(args[0], &view, PyBUF_C_CONTIGUOUS) < 0) return NULL;
    const unsigned char *data = view.buf, wanted = (unsigned char)byte;
    ptrdiff_t total = 0;
    Py_BEGIN_ALLOW_THREADS
    for (ptrdiff_t start = 0; start < view.len; start += 255) { /* sums of bytes in bytes */
        const ptrdiff_t stop = view.len - start < 255 ? view.len : start + 255;
        unsigned char part = 0;
        for (ptrdiff_t i = start; i < stop; i++) part += data[i] == wanted;
        total += part;
    }
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&view);
    return PyLong_FromSsize_t(total);
}

static PyMethodDef methods[] = {
    {"parse", (PyCFunction)(void (*)(void))py_parse, METH_FASTCALL,
     "parse(data, kinds, missing, powers, numbers, codes, hard, separator, decimal, rows): parse "
     "complete records into columns; None where the parser declines"},
    {"count", (PyCFunction)(void (*)(void))py_count, METH_FASTCALL,
     "count(data, byte): how often a byte occurs"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_csv", .m_doc = "Compiled parser of CSV records.",
    .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC PyInit__csv(void)
{
    return PyModuleDef_Init(&definition);
}
