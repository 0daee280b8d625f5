/* Convolution by 3x3 taps with two thirds of the products: Winograd's F(2, 3) along rows.
 *
 * Rows h and h + d, d the dilation, read rows x0 = h - d, x1 = h, x2 = h + d and x3 = h + 2 d. Of the
 * three taps g0, g1, g2 of a column of the kernel, with
 *
 *     m0 = g0 (x0 - x2)    m1 = (g0 + g1 + g2)/2 (x1 + x2)
 *     m3 = g2 (x3 - x1)    m2 = (g0 - g1 + g2)/2 (x2 - x1)
 *
 * row h is m0 + m1 + m2, and row h + d is m1 - m2 + m3: four products instead of six. The gradient of
 * the weights is that of these equations. Float32 alone: rounded to bfloat16, the differences
 * would be too coarse. */

/* The rows in pairs (h, h + d): pair i begins at row `pair_row`. */
INLINE int64_t pair_row(int64_t i, int64_t dilation)
{
    return i / dilation * 2 * dilation + i % dilation;
}

/* Pairs of `rows` rows; of the last ones the second row may not exist. */
int64_t pair_count(int64_t rows, int64_t dilation)
{
    const int64_t rest = rows % (2 * dilation);
    return rows / (2 * dilation) * dilation + (rest < dilation ? rest : dilation);
}

/* row `h` of a line that begins at `line`, or NULL where there is none */
INLINE const float *row_of(const Map *map, const uint32_t *line, int64_t h, int64_t rows)
{
    return h >= 0 && h < rows ? (const float *)(line + h * map->row) : NULL;
}

/* to = a + sign * b, over `count` lanes; NULL is a line of zeros. */
INLINE void combine(float *to, const float *a, const float *b, float sign, int64_t count)
{
    for (int64_t i = 0; i < count; i += LANES) {
        vf y = {};
        if (a) y = *(const vf *)(a + i);
        if (b) y += sign * *(const vf *)(b + i);
        *(vf *)(to + i) = y;
    }
}

/* What point `t` multiplies: of the four input rows that begin `d` rows above `h`. */
INLINE void input_of_point(
    int t, float *to, const Map *x, const uint32_t *line, int64_t h, int64_t d, int64_t rows,
    int64_t count)
{
    static const int plus[] = {0, 1, 2, 3}, other[] = {2, 2, 1, 1};
    combine(
        to, row_of(x, line, h + (plus[t] - 1) * d, rows),
        row_of(x, line, h + (other[t] - 1) * d, rows), t == 1 ? 1.0f : -1.0f, count);
}

/* The gradient of point `t`, of those of rows h and h + d. */
INLINE void gradient_of_point(
    int t, float *to, const Map *dy, const uint32_t *line, int64_t h, int64_t d, int64_t rows,
    int64_t count)
{
    const float *first = row_of(dy, line, h, rows), *second = row_of(dy, line, h + d, rows);
    combine(
        to, t == 3 ? NULL : first, t == 0 ? NULL : second, t == 2 ? -1.0f : 1.0f, count);
}

typedef struct {
    const float *points; /* [point][channel][column] of a strip */
    int64_t line;        /* columns of a line of it */
    int64_t left;        /* the column of the map that each line begins with */
} Strip;

/* Adds the products of point `t`. */
INLINE void F(point)(
    const int MR, const int NV, vf acc[BLOCK][2], int t, const F(Conv) *conv, const Strip *strip,
    const uint32_t *weights, int64_t w)
{
    for (int kx = 0; kx < 3; kx++) {
        const int64_t dx = (kx - 1) * conv->dilation;
        if (w + dx >= conv->columns || w + dx + NV * LANES <= 0) continue;
        F(products)(
            MR, NV, acc,
            (const uint32_t *)strip->points + t * conv->depth * strip->line + w + dx - strip->left,
            strip->line, conv->depth, weights + (t * 3 + kx) * conv->depth * MR);
    }
}

/* A tile of two rows. */
INLINE void F(pair_tile)(
    const int MR, const int NV, const F(Conv) *conv, const Map *out, float *planar, double *sums,
    const Strip *strip, const uint32_t *weights, int64_t h, int64_t w, int64_t c)
{
    const int64_t second = h + conv->dilation, channels = round_up(out->channels, 2);
    vf acc[BLOCK][2] = {}, one[BLOCK][2], difference[BLOCK][2];
    F(point)(MR, NV, acc, 1, conv, strip, weights, w);
    UNROLL
    for (int m = 0; m < MR; m++)
        UNROLL
        for (int v = 0; v < NV; v++) one[m][v] = acc[m][v], acc[m][v] = (vf){};
    F(point)(MR, NV, acc, 2, conv, strip, weights, w);
    UNROLL
    for (int m = 0; m < MR; m++)
        UNROLL
        for (int v = 0; v < NV; v++) {
            difference[m][v] = one[m][v] - acc[m][v];
            one[m][v] += acc[m][v];
        }
    F(begin)(MR, NV, acc, conv, out, h, w, c);
    UNROLL
    for (int m = 0; m < MR; m++)
        UNROLL
        for (int v = 0; v < NV; v++) acc[m][v] += one[m][v];
    F(point)(MR, NV, acc, 0, conv, strip, weights, w);
    F(finish)(
        MR, NV, acc, conv, out, planar, sums ? sums + h * channels * 2 : NULL, h, w, c);
    if (second >= conv->rows) return;
    F(begin)(MR, NV, acc, conv, out, second, w, c);
    UNROLL
    for (int m = 0; m < MR; m++)
        UNROLL
        for (int v = 0; v < NV; v++) acc[m][v] += difference[m][v];
    F(point)(MR, NV, acc, 3, conv, strip, weights, w);
    F(finish)(
        MR, NV, acc, conv, out, planar, sums ? sums + second * channels * 2 : NULL, second, w, c);
}

#define PAIR_TILE(MR, NV)                                                                          \
    F(pair_tile)(MR, NV, &conv, out, planar, sums, &strip, wp, h, w, c)

/* As `conv` for 3x3 taps, with weights that `pack_weights` made for it.
 *
 * scratch: (threads, room) lanes; `room` is at least 4 lines of a strip of two vectors for each
 *     input channel, each longer by what the filter reaches to either side, in whole vectors. */
int F(conv_winograd)(
    const Map *in, int maps, const Map *out, const uint32_t *weights, const float *bias,
    double *sums, uint32_t *scratch, int64_t room, int64_t rows, int64_t columns, int dilation,
    int threads, int flags, float *planar)
{
    F(Conv) conv = {in, maps, 3, 3, dilation, flags, rows, columns, 0, bias};
    for (int i = 0; i < maps; i++) conv.depth += in[i].channels;
    const int64_t channels = round_up(out->channels, 2), pairs = pair_count(rows, dilation);
    const int64_t beside = round_up(dilation, LANES);
    const int64_t most = room / (POINTS * conv.depth) - 2 * beside;
    if (most < 2 * LANES) return NO_MEMORY;
    const int64_t wide = most / (2 * LANES) * 2 * LANES;
    if (sums) memset(sums, 0, rows * channels * 2 * sizeof(double));
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int thread = 0; thread < threads; thread++)
        for (int64_t i = pairs * thread / threads; i < pairs * (thread + 1) / threads; i++) {
            const int64_t h = pair_row(i, dilation);
            for (int64_t start = 0; start < columns; start += wide) {
                const int64_t end = start + wide < columns ? start + wide : columns;
                const int64_t line = round_up(end - start, LANES) + 2 * beside;
                float *points = (float *)(scratch + thread * room), *to = points;
                for (int t = 0; t < POINTS; t++)
                    for (int j = 0; j < maps; j++)
                        for (int64_t k = 0; k < in[j].channels; k++, to += line)
                            input_of_point(
                                t, to, in + j, in[j].data + k * in[j].group + start - beside, h,
                                dilation, rows, line);
                const Strip strip = {points, line, start - beside};
                for (int64_t w = start; w < end;) {
                    const int two = end - w > LANES;
                    for (int64_t c = 0; c < channels; c += BLOCK) {
                        const int64_t width = channels - c < BLOCK ? channels - c : BLOCK;
                        const uint32_t *wp = weights + c * WINOGRAD_TAPS * conv.depth;
                        if (two)
                            TILES(PAIR_TILE, 2)
                        else
                            TILES(PAIR_TILE, 1)
                    }
                    w += two ? 2 * LANES : LANES;
                }
            }
        }
    return DONE;
}

/* As `conv_weights` for 3x3 taps: the gradient of the kernels, not of what `pack_weights` makes.
 *
 * dw: (threads, WINOGRAD_TAPS, even channels of dy, even channels of x) floats of scratch. */
int F(conv_weights_winograd)(
    const Map *dy, const Map *x, float *gradient, int64_t inputs, int64_t offset, float *dw,
    uint32_t *scratch, int64_t room, int64_t rows, int64_t columns, int dilation, int threads)
{
    const int64_t gc = round_up(dy->channels, 2), in_channels = round_up(x->channels, 2);
    const int64_t whole = round_up(columns, LANES), left = round_up(dilation, LANES);
    const int64_t b_line = whole + 2 * left, a_step = whole * 4, b_step = b_line * 4;
    const int64_t part = split_channels(in_channels), pairs = pair_count(rows, dilation);
    const int64_t batch = room / (gc * whole + part * b_line);
    const int64_t size = WINOGRAD_TAPS * gc * in_channels;
    if (batch < 1) return NO_MEMORY;
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int thread = 0; thread < threads; thread++) {
        const int64_t last = pairs * (thread + 1) / threads;
        float *products = dw + thread * size;
        memset(products, 0, size * sizeof(float));
        float *as = (float *)(scratch + thread * room), *bs = as + batch * gc * whole;
        for (int64_t start = pairs * thread / threads; start < last; start += batch) {
            const int64_t count = start + batch < last ? batch : last - start;
            for (int t = 0; t < POINTS; t++) {
                for (int64_t i = 0; i < count; i++)
                    for (int64_t c = 0; c < gc; c++)
                        gradient_of_point(
                            t, as + (i * gc + c) * whole, dy, dy->data + c * dy->group,
                            pair_row(start + i, dilation), dilation, rows, whole);
                for (int64_t p = 0; p < in_channels; p += part) {
                    const int64_t xc = in_channels - p < part ? in_channels - p : part;
                    for (int64_t i = 0; i < count; i++)
                        for (int64_t c = 0; c < xc; c++)
                            input_of_point(
                                t, bs + (i * xc + c) * b_line, x,
                                x->data + (p + c) * x->group - left, pair_row(start + i, dilation),
                                dilation, rows, b_line);
                    for (int64_t n = 0; n < xc; n += DOT_COLUMNS) {
                        const int64_t nr = xc - n < DOT_COLUMNS ? xc - n : DOT_COLUMNS;
                        for (int64_t m = 0; m < gc; m += DOT_ROWS)
                            for (int kx = 0; kx < 3; kx++) {
                                const int64_t vectors = whole / LANES;
                                const char *a = (const char *)(as + m * whole);
                                const char *b =
                                    (const char *)(bs + n * b_line + left + (kx - 1) * dilation);
                                float *to =
                                    products + ((t * 3 + kx) * gc + m) * in_channels + p + n;
                                DOT_BLOCK
                            }
                    }
                }
            }
        }
    }
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t o = 0; o < dy->channels; o++)
        for (int64_t c = 0; c < x->channels; c++)
            for (int kx = 0; kx < 3; kx++) {
                float u[POINTS] = {};
                for (int t = 0; t < POINTS; t++)
                    for (int thread = 0; thread < threads; thread++)
                        u[t] += dw[thread * size + ((t * 3 + kx) * gc + o) * in_channels + c];
                float *to = gradient + (o * inputs + offset + c) * 9 + kx;
                to[0] = u[0] + (u[1] + u[2]) / 2;
                to[3] = (u[1] - u[2]) / 2;
                to[6] = u[3] + (u[1] + u[2]) / 2;
            }
    return DONE;
}
