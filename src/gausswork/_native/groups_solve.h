/* The fits of many groups from their sums; see groups.h for the state of a group.
 *
 * A group is solved here as leastsquares/solve.py does it from moments alone, by the functions of
 * small.h. What is out of the ordinary is left to that module: the group's flag is then zero.
 */

/* Read the sums of a group into (q) and (q, q) matrices of high and low words, q = p + 1 */
static void group_sums(const double *state, int q, double *shift, sums *out)
{
    const int m = q + 1, padded = GROUP_PAD(m);
    const ptrdiff_t triangle = group_triangle(m);
    const double *high = state + 8 + padded, *low = high + triangle;
    memcpy(shift, state + 9, sizeof(double) * (size_t)q);
    high += GROUP_PAD(1);
    low += GROUP_PAD(1);
    for (int j = 0; j < q; j++) {
        dd first = dd_normal(high[0], low[0]);
        out->first_high[j] = first.h;
        out->first_low[j] = first.l;
        for (int k = 0; k <= j; k++) {
            dd v = dd_normal(high[k + 1], low[k + 1]);
            out->second_high[j * q + k] = out->second_high[k * q + j] = v.h;
            out->second_low[j * q + k] = out->second_low[k * q + j] = v.l;
        }
        high += GROUP_PAD(j + 2);
        low += GROUP_PAD(j + 2);
    }
}

/* Doubles that a group's answer takes: six rows of q as answer.py has them, residual and total sum
 * of squares, condition number, and whether it is an answer at all */
#define GROUP_ANSWER(q) (6 * (q) + 4)

static size_t group_scratch(int q)
{
    size_t p = (size_t)q - 1;
    return 4 * (size_t)q * q + 10 * (size_t)q + 16 * p + 8 * p * p;
}

static void group_solve(const double *state, int p, int intercept, double wanted, double tolerance,
                        double product_error, const double *exponents, const bounds *k,
                        const kernels *code, double *scratch, double *answer)
{
    int q = p + 1;
    size_t square = (size_t)p * p;
    double *flag = answer + GROUP_ANSWER(q) - 1;
    double rows = state[0];
    *flag = 0.0;
    if (!(rows > p + intercept)) return;
    small s = {.t = NULL, .n = (ptrdiff_t)rows, .p = p, .q = q, .intercept = intercept, .k = k,
               .code = code};
    small_answer out;
    double *unused_exponents = small_take(&scratch, q);
    out.exponents = unused_exponents;
    memcpy(out.exponents, exponents, sizeof(double) * q);
    out.shift = small_take(&scratch, q);
    out.moments.first_high = small_take(&scratch, q);
    out.moments.first_low = small_take(&scratch, q);
    out.moments.second_high = small_take(&scratch, (size_t)q * q);
    out.moments.second_low = small_take(&scratch, (size_t)q * q);
    out.table = answer;
    out.means = small_take(&scratch, p);
    out.mean_lows = small_take(&scratch, p);
    out.scales = small_take(&scratch, p);
    out.root = small_take(&scratch, square);
    double **of_q[] = {&s.scale, &s.about_high, &s.about_low, &s.mean_high, &s.mean_low,
                       &s.gram_scale};
    double **of_p[] = {&s.right_high, &s.right_low, &s.inflation, &s.raw_square, &s.tolerance,
                       &s.size, &s.leaning_high, &s.leaning_low, &s.rows, &s.inverse_error,
                       &s.state.high, &s.state.low, &s.state.error};
    double **of_squares[] = {&s.matrix_high, &s.matrix_low, &s.triangle_high, &s.triangle_low,
                             &s.root, &s.spare, &s.inverse};
    for (size_t i = 0; i < sizeof of_q / sizeof *of_q; i++) *of_q[i] = small_take(&scratch, q);
    for (size_t i = 0; i < sizeof of_p / sizeof *of_p; i++) *of_p[i] = small_take(&scratch, p);
    for (size_t i = 0; i < sizeof of_squares / sizeof *of_squares; i++)
        *of_squares[i] = small_take(&scratch, square);
    s.second_high = small_take(&scratch, (size_t)q * q);
    s.second_low = small_take(&scratch, (size_t)q * q);
    for (int j = 0; j < q; j++) s.gram_scale[j] = ldexp(1.0, (int)exponents[j]);

    group_sums(state, q, out.shift, &out.moments);
    s.error = product_error * fmax(rows, 16.0);
    if (!small_assemble(&s, &out) || !small_factorize(&s)) return;
    small_reach(&s);
    if (!(s.worst <= tolerance)) return;
    small_unrefined(&s);
    if (!(small_digits(&s, &s.state) >= wanted)) return;
    if (!(s.state.residual_square_error <= 2.0 * tolerance * s.state.residual_square)) return;
    if (!small_report(&s, &out)) return;
    flag[-3] = out.residual_square;
    flag[-2] = out.total_square;
    flag[-1] = out.condition;
    *flag = 1.0;
}
