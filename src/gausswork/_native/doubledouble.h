/* Double-double numbers: unevaluated sums of two doubles, about 2^-104 relative error an
 * operation (Dekker 1971; Hida, Li & Bailey 2001). Plain C, for what is not in a hot loop. */

typedef struct { double h, l; } dd;

static inline dd dd_normal(double h, double l)
{
    double s = h + l, t = s - h;
    return (dd){s, (h - (s - t)) + (l - t)};
}

static inline dd dd_product(double a, double b)
{
    const double f = 134217729.0; /* 2^27 + 1 */
    double p = a * b, t = f * a, ah = t - (t - a), al = a - ah;
    double u = f * b, bh = u - (u - b), bl = b - bh;
    return (dd){p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

static inline dd dd_add(dd a, dd b)
{
    dd s = dd_normal(a.h, b.h), t = dd_normal(a.l, b.l);
    s = dd_normal(s.h, s.l + t.h);
    return dd_normal(s.h, s.l + t.l);
}

static inline dd dd_sub(dd a, dd b) { return dd_add(a, (dd){-b.h, -b.l}); }

static inline dd dd_mul(dd a, dd b)
{
    dd p = dd_product(a.h, b.h);
    return dd_normal(p.h, p.l + (a.h * b.l + a.l * b.h));
}

static inline dd dd_div(dd a, dd b)
{
    double first = a.h / b.h;
    dd rest = dd_sub(a, dd_mul((dd){first, 0.0}, b));
    double second = rest.h / b.h;
    rest = dd_sub(rest, dd_mul((dd){second, 0.0}, b));
    return dd_add(dd_normal(first, second), (dd){rest.h / b.h, 0.0});
}

static inline dd dd_sqrt(dd a)
{
    double root = sqrt(a.h);
    dd r = dd_normal(root, dd_sub(a, dd_product(root, root)).h / (2.0 * root));
    return dd_add(r, (dd){dd_sub(a, dd_mul(r, r)).h / (2.0 * root), 0.0});
}

/* Vectors and matrices: high words in one array, low words in another */

static inline dd dd_dot(ptrdiff_t p, const double *ah, const double *al, const double *bh,
                 const double *bl)
{
    dd sum = {0.0, 0.0};
    for (ptrdiff_t i = 0; i < p; i++)
        sum = dd_add(sum, dd_mul((dd){ah[i], al[i]}, (dd){bh[i], bl[i]}));
    return sum;
}

/* v += factor·x */
static inline void dd_add_multiple(ptrdiff_t p, double *h, double *l, dd factor, const double *xh,
                            const double *xl)
{
    for (ptrdiff_t i = 0; i < p; i++) {
        dd s = dd_add((dd){h[i], l[i]}, dd_mul(factor, (dd){xh[i], xl[i]}));
        h[i] = s.h;
        l[i] = s.l;
    }
}

/* M += (a·bᵀ + b·aᵀ)/2 from its upper triangle, to which both triangles are set */
static inline void dd_symmetric_update(ptrdiff_t q, double *h, double *l, const double *ah,
                                const double *al, const double *bh, const double *bl)
{
    for (ptrdiff_t i = 0; i < q; i++)
        for (ptrdiff_t j = i; j < q; j++) {
            dd x = dd_mul((dd){ah[i], al[i]}, (dd){bh[j], bl[j]});
            dd y = dd_mul((dd){bh[i], bl[i]}, (dd){ah[j], al[j]});
            dd s = dd_add(x, y);
            s = dd_add((dd){h[i * q + j], l[i * q + j]}, (dd){0.5 * s.h, 0.5 * s.l});
            h[i * q + j] = h[j * q + i] = s.h;
            l[i * q + j] = l[j * q + i] = s.l;
        }
}

/* RᵀR·v = (h, l), in place, R upper triangular */
static inline void dd_substitute(ptrdiff_t p, const double *rh, const double *rl, double *h, double *l)
{
    for (ptrdiff_t k = 0; k < p; k++) {
        dd v = dd_div((dd){h[k], l[k]}, (dd){rh[k * p + k], rl[k * p + k]});
        h[k] = v.h;
        l[k] = v.l;
        for (ptrdiff_t j = k + 1; j < p; j++) {
            dd s = dd_sub((dd){h[j], l[j]}, dd_mul((dd){rh[k * p + j], rl[k * p + j]}, v));
            h[j] = s.h;
            l[j] = s.l;
        }
    }
    for (ptrdiff_t k = p - 1; k >= 0; k--) {
        dd s = {h[k], l[k]};
        for (ptrdiff_t j = k + 1; j < p; j++)
            s = dd_sub(s, dd_mul((dd){rh[k * p + j], rl[k * p + j]}, (dd){h[j], l[j]}));
        s = dd_div(s, (dd){rh[k * p + k], rl[k * p + k]});
        h[k] = s.h;
        l[k] = s.l;
    }
}
