/* Sums for many groups of rows at once: every row goes to the sums of its group.
 *
 * A group's state, doubles side by side:
 *   rows, Σ log w, least w, whether it has begun, four unused;
 *   the shift, its first row: GROUP_PAD(p + 2) of which the first is zero;
 *   high words of Σzzᵀ for z = [1, x, y] − shift, row j with the columns up to j, padded;
 *   low words, alike.
 * Products are error-free and sums compensated (Ogita, Rump & Oishi 2005), in the order of the rows of
 * a group, so the bits depend neither on the cuts of a reader nor on the threads: a thread has groups
 * of its own. Rows come group by group, so that a state stays in the cache for all of its rows.
 *
 * Included by blocks.h once for each instruction set.
 */

static void NAME(grouped)(const table *t, ptrdiff_t n, const double *scale, const double *codes,
                          int frequency, double *states, double *scratch)
{
    const int m = t->predictors + 2, padded = GROUP_PAD(m);
    const ptrdiff_t triangle = group_triangle(m), size = 8 + padded + 2 * triangle;
    double *zh = scratch, *zl = zh + padded, *wh = zl + padded, *wl = wh + padded;
    for (int j = 0; j < 4 * padded; j++) scratch[j] = 0.0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t group = (ptrdiff_t)codes[i];
        double *state = states + group * size, *shift = state + 8;
        double w = 1.0;
        if (t->weight) {
            const char *at = t->weight + i * t->weight_stride;
            w = t->weight_single ? (double)*(const float *)at : *(const double *)at;
            if (!(w > 0.0)) continue;
        }
        zh[0] = 1.0;
        for (int j = 1; j < m; j++) zh[j] = value_at(t, j - 1, i) * scale[j - 1];
        if (state[3] == 0.0) {
            state[3] = 1.0;
            state[2] = w;
            for (int j = 1; j < m; j++) shift[j] = zh[j];
        }
        for (int k = 0; k < padded; k += LANES) {
            vec v = LOAD(zh + k), s = LOAD(shift + k), h = v - s, b = v - h;
            STORE(zh + k, h);
            STORE(zl + k, (v - (h + b)) + (b - s));
        }
        const double *left = zh, *left_low = zl;
        if (!t->weight) {
            state[0] += 1.0;
        } else {
            state[0] += frequency ? w : 1.0;
            if (!frequency) state[1] += log(w);
            if (w < state[2]) state[2] = w;
            for (int k = 0; k < padded; k += LANES) {
                vec h = LOAD(zh + k), ww = ALL(w), p = h * ww;
                STORE(wh + k, p);
                STORE(wl + k, PRODUCT_ERROR(h, ww, p) + LOAD(zl + k) * ww);
            }
            left = wh;
            left_low = wl;
        }
        double *high = shift + padded, *low = high + triangle;
        for (int j = 0; j < m; j++) {
            const vec a = ALL(left[j]), al = ALL(left_low[j]);
            for (int k = 0; k <= j; k += LANES) {
                vec b = LOAD(zh + k), p = a * b, e = PRODUCT_ERROR(a, b, p);
                vec h = LOAD(high + k), l = LOAD(low + k);
                l += VFMA(a, LOAD(zl + k), VFMA(al, b, e));
                TWO_SUM_INTO(vec, h, l, p);
                STORE(high + k, h);
                STORE(low + k, l);
            }
            high += GROUP_PAD(j + 1);
            low += GROUP_PAD(j + 1);
        }
    }
}
