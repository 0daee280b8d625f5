/* Pooling of 2 x 2 pixels, and bilinear interpolation to twice the size. */

/* out = the maxima of 2 x 2 pixels of x; rows and columns are those of out. */
int F(max_pool)(const Map *x, const Map *out, int64_t rows, int64_t columns, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < x->channels; c += GROUP) {
            const uint32_t *top = x->data + 2 * h * x->row + c / GROUP * x->group;
            const uint32_t *bottom = top + x->row;
            uint32_t *to = out->data + h * out->row + c / GROUP * out->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf a = F(load)(top + 2 * w), b = F(load)(top + 2 * w + LANES);
                const vf d = F(load)(bottom + 2 * w), e = F(load)(bottom + 2 * w + LANES);
                vf best[GROUP];
                for (int k = 0; k < GROUP; k++) {
                    const vf low = larger(F(channel)(a, k), F(channel)(d, k));
                    const vf high = larger(F(channel)(b, k), F(channel)(e, k));
                    best[k] = larger(every_other(low, high, 0), every_other(low, high, 1));
                }
                F(store)(to + w, best, columns - w);
            }
        }
    return DONE;
}

/* gx: 0 but for the first maximum of each 2 x 2 pixels of x, which gets g. */
int F(max_pool_backward)(
    const Map *g, const Map *x, const Map *gx, int64_t rows, int64_t columns, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < x->channels; c += GROUP) {
            const uint32_t *top = x->data + 2 * h * x->row + c / GROUP * x->group;
            const uint32_t *bottom = top + x->row;
            const uint32_t *from = g->data + h * g->row + c / GROUP * g->group;
            uint32_t *to = gx->data + 2 * h * gx->row + c / GROUP * gx->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf a = F(load)(top + 2 * w), b = F(load)(top + 2 * w + LANES);
                const vf d = F(load)(bottom + 2 * w), e = F(load)(bottom + 2 * w + LANES);
                const vf gradient = F(load)(from + w);
                vf part[4][GROUP]; /* top left, top right, bottom left, bottom right */
                for (int k = 0; k < GROUP; k++) {
                    const vf low = F(channel)(a, k), high = F(channel)(b, k);
                    const vf low2 = F(channel)(d, k), high2 = F(channel)(e, k);
                    const vf x4[4] = {
                        every_other(low, high, 0), every_other(low, high, 1),
                        every_other(low2, high2, 0), every_other(low2, high2, 1)};
                    const vf best = larger(larger(x4[0], x4[1]), larger(x4[2], x4[3]));
                    vu taken = {};
                    for (int i = 0; i < 4; i++) {
                        const vu here = (vu)(x4[i] == best) & ~taken;
                        part[i][k] = (vf)((vu)F(channel)(gradient, k) & here);
                        taken |= here;
                    }
                }
                for (int i = 0; i < 2; i++) {
                    const vf *even = part[2 * i], *odd = part[2 * i + 1];
                    for (int half = 0; half < 2; half++) {
                        vf out[GROUP];
                        const int64_t column = 2 * w + half * LANES;
                        if (column >= 2 * columns) continue;
                        for (int k = 0; k < GROUP; k++) out[k] = interleaved(even[k], odd[k], half);
                        F(store)(to + i * gx->row + column, out, 2 * columns - column);
                    }
                }
            }
        }
    return DONE;
}

/* out = the means of 2 x 2 pixels of x; rows and columns are those of out. */
int F(mean_pool)(const Map *x, const Map *out, int64_t rows, int64_t columns, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < x->channels; c += GROUP) {
            const uint32_t *top = x->data + 2 * h * x->row + c / GROUP * x->group;
            const uint32_t *bottom = top + x->row;
            uint32_t *to = out->data + h * out->row + c / GROUP * out->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf a = F(load)(top + 2 * w), b = F(load)(top + 2 * w + LANES);
                const vf d = F(load)(bottom + 2 * w), e = F(load)(bottom + 2 * w + LANES);
                vf mean[GROUP];
                for (int k = 0; k < GROUP; k++) {
                    const vf low = F(channel)(a, k) + F(channel)(d, k);
                    const vf high = F(channel)(b, k) + F(channel)(e, k);
                    mean[k] = 0.25f * (every_other(low, high, 0) + every_other(low, high, 1));
                }
                F(store)(to + w, mean, columns - w);
            }
        }
    return DONE;
}

/* The adjoint of `mean_pool`: gx from g, or with ADD gx plus it. */
int F(mean_pool_backward)(
    const Map *g, const Map *gx, int64_t rows, int64_t columns, int threads, int flags)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < 2 * rows; h++)
        for (int64_t c = 0; c < g->channels; c += GROUP) {
            const uint32_t *from = g->data + h / 2 * g->row + c / GROUP * g->group;
            uint32_t *to = gx->data + h * gx->row + c / GROUP * gx->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf gradient = F(load)(from + w);
                for (int half = 0; half < 2; half++) {
                    vf out[GROUP];
                    const int64_t column = 2 * w + half * LANES;
                    if (column >= 2 * columns) continue;
                    const vf before = F(load)(to + column);
                    for (int k = 0; k < GROUP; k++) {
                        const vf part = 0.25f * F(channel)(gradient, k);
                        out[k] = interleaved(part, part, half);
                        if (flags & ADD) out[k] += F(channel)(before, k);
                    }
                    F(store)(to + column, out, 2 * columns - column);
                }
            }
        }
    return DONE;
}

/* The lines of a group as floats, a sum of rows: line of channel k at to + k * step, from lane 1
 * on, the first and last column repeated once beyond the ends. */
INLINE void F(blend)(
    const Map *x, int64_t g, const int64_t *at, const float *weight, int count, float *to,
    int64_t step, int64_t columns)
{
    for (int64_t w = 0; w < columns; w += LANES)
        for (int k = 0; k < GROUP; k++) {
            vf total = {};
            for (int i = 0; i < count; i++)
                total += weight[i] *
                    F(channel)(F(load)(x->data + at[i] * x->row + g * x->group + w), k);
            *(vf *)(to + k * step + 1 + w) = total;
        }
    for (int k = 0; k < GROUP; k++) {
        to[k * step] = to[k * step + 1];
        to[k * step + columns + 1] = to[k * step + columns];
    }
}

/* out = x, bilinearly interpolated to twice its rows and columns (centres of pixels aligned); rows
 * and columns are those of x. */
int F(upsample)(const Map *x, const Map *out, int64_t rows, int64_t columns, int threads)
{
    const int64_t step = columns + 4 * LANES;
    int failed = 0;
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
        float *line = malloc(step * GROUP * sizeof(float));
        failed = !line;
#pragma omp for schedule(static)
        for (int64_t h = 0; h < 2 * rows; h++) {
            if (failed) continue;
            for (int64_t g = 0; g * GROUP < x->channels; g++) {
                const int64_t at[2] = {h / 2, clamped(h % 2 ? h / 2 + 1 : h / 2 - 1, rows)};
                const float weight[2] = {0.75f, 0.25f};
                F(blend)(x, g, at, weight, 2, line, step, columns);
                uint32_t *to = out->data + h * out->row + g * out->group;
                for (int64_t w = 0; w < columns; w += LANES) {
                    vf even[GROUP], odd[GROUP], mixed[GROUP];
                    for (int k = 0; k < GROUP; k++) {
                        const float *b = line + k * step + w;
                        even[k] = 0.25f * *(const vf *)b + 0.75f * *(const vf *)(b + 1);
                        odd[k] = 0.75f * *(const vf *)(b + 1) + 0.25f * *(const vf *)(b + 2);
                    }
                    for (int half = 0; half < 2; half++) {
                        const int64_t column = 2 * w + half * LANES;
                        if (column >= 2 * columns) continue;
                        for (int k = 0; k < GROUP; k++)
                            mixed[k] = interleaved(even[k], odd[k], half);
                        F(store)(to + column, mixed, 2 * columns - column);
                    }
                }
            }
        }
        free(line);
    }
    return failed ? NO_MEMORY : DONE;
}

/* The adjoint of `upsample`: gx from g; rows and columns are those of gx. */
int F(upsample_backward)(const Map *g, const Map *gx, int64_t rows, int64_t columns, int threads)
{
    const int64_t step = 2 * columns + 8 * LANES;
    int failed = 0;
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
        float *line = calloc(step * GROUP, sizeof(float));
        failed = !line;
#pragma omp for schedule(static)
        for (int64_t h = 0; h < rows; h++) {
            if (failed) continue;
            for (int64_t group = 0; group * GROUP < gx->channels; group++) {
                const int64_t at[4] = {
                    clamped(2 * h - 1, 2 * rows), 2 * h, 2 * h + 1,
                    clamped(2 * h + 2, 2 * rows)};
                const float weight[4] = {0.25f, 0.75f, 0.75f, 0.25f};
                F(blend)(g, group, at, weight, 4, line, step, 2 * columns);
                uint32_t *to = gx->data + h * gx->row + group * gx->group;
                for (int64_t w = 0; w < columns; w += LANES) {
                    vf out[GROUP];
                    for (int k = 0; k < GROUP; k++) {
                        const float *b = line + k * step + 2 * w;
                        const vf one = *(const vf *)b, two = *(const vf *)(b + LANES);
                        const vf three = *(const vf *)(b + 2), four = *(const vf *)(b + 2 + LANES);
                        out[k] = 0.25f * (every_other(one, two, 0) + every_other(three, four, 1)) +
                            0.75f * (every_other(one, two, 1) + every_other(three, four, 0));
                    }
                    F(store)(to + w, out, columns - w);
                }
            }
        }
        free(line);
    }
    return failed ? NO_MEMORY : DONE;
}
