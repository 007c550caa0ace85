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
