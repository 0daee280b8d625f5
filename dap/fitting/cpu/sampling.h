/* Sampling of rows and filtering along columns, for harmonic convolution. */

/* Lines of one group of `part`, the weighted sum of the rows that the table names for output line
 * `at`: channel k at to + k * step, from lane SIDE on. */
INLINE void F(gather)(
    const Map *x, const Table *table, int64_t at, int64_t g, int64_t part_groups, float *to,
    int64_t step, int64_t columns)
{
    const Entry *from = table->entries + table->starts[at];
    const Entry *last = table->entries + table->starts[at + 1];
    for (int64_t w = 0; w < columns; w += LANES) {
        vf total[GROUP] = {};
        for (const Entry *e = from; e < last; e++) {
            const vf line = F(load)(
                x->data + e->row * x->row + (e->part * part_groups + g) * x->group + w);
            for (int k = 0; k < GROUP; k++) total[k] += e->weight * F(channel)(line, k);
        }
        for (int k = 0; k < GROUP; k++) *(vf *)(to + k * step + SIDE + w) = total[k];
    }
}

/* out = for each row and each part of it, the sum of rows and parts of x that the table names, then
 * filtered along columns.
 *
 * A part is `channels` channels, rounded up to even; parts follow each other.
 * table: lines are (row of out, part of out).
 * filter: (channels, length) floats, length at most TAPS, or NULL. */
int F(sample)(
    const Map *x, const Map *out, const Table *table, const float *filter, int length,
    int64_t channels, int64_t rows, int64_t columns, int threads)
{
    const int64_t groups = round_up(channels, 2) / GROUP, parts = out->channels / GROUP / groups;
    const int64_t step = round_up(columns, LANES) + 2 * SIDE;
    int failed = 0;
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
        float *line = calloc(step * GROUP, sizeof(float));
        failed = !line;
#pragma omp for schedule(dynamic, 4)
        for (int64_t h = 0; h < rows; h++) {
            if (failed) continue;
            for (int64_t n = 0; n < parts; n++)
                for (int64_t g = 0; g < groups; g++) {
                    uint32_t *to = out->data + h * out->row + (n * groups + g) * out->group;
                    F(gather)(x, table, h * parts + n, g, groups, line, step, columns);
                    for (int64_t w = 0; w < columns; w += LANES) {
                        vf y[GROUP] = {};
                        for (int k = 0; k < GROUP; k++) {
                            const float *from = line + k * step + SIDE + w;
                            const int64_t c = g * GROUP + k;
                            if (!filter)
                                y[k] = *(const vf *)from;
                            else if (c < channels)
                                for (int s = 0; s < length; s++)
                                    y[k] += filter[c * length + s] *
                                        *(const vf *)(from + s - length / 2);
                        }
                        F(store)(to + w, y, columns - w);
                    }
                }
        }
        free(line);
    }
    return failed ? NO_MEMORY : DONE;
}

/* The gradient of `sample`: gx from g, and of the filter.
 *
 * table: the transposed one; lines are (row of x, part of x).
 * dfilter: (channels, length) floats.
 * sums: (rows, even channels, length) doubles of scratch. */
int F(sample_backward)(
    const Map *g, const Map *x, const Map *gx, const Table *table, const float *filter,
    float *dfilter, double *sums, int length, int64_t channels, int64_t rows, int64_t columns,
    int threads)
{
    const int64_t even = round_up(channels, 2);
    const int64_t groups = even / GROUP, parts = x->channels / GROUP / groups;
    const int64_t step = round_up(columns, LANES) + 2 * SIDE;
    int failed = 0;
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
        float *line = calloc(step * GROUP, sizeof(float));
        failed = !line;
#pragma omp for schedule(dynamic, 4)
        for (int64_t h = 0; h < rows; h++) {
            if (failed) continue;
            double *sum = sums + h * even * length;
            if (filter) memset(sum, 0, even * length * sizeof(double));
            for (int64_t n = 0; n < parts; n++)
                for (int64_t group = 0; group < groups; group++) {
                    const int64_t lane = (n * groups + group);
                    const uint32_t *xp = x->data + h * x->row + lane * x->group;
                    uint32_t *to = gx->data + h * gx->row + lane * gx->group;
                    F(gather)(g, table, h * parts + n, group, groups, line, step, columns);
                    for (int64_t w = 0; w < columns && !filter; w += LANES) {
                        vf y[GROUP];
                        for (int k = 0; k < GROUP; k++)
                            y[k] = *(const vf *)(line + k * step + SIDE + w);
                        F(store)(to + w, y, columns - w);
                    }
                    if (!filter) continue;
                    vf total[GROUP][TAPS] = {};
                    for (int64_t w = 0; w < columns; w += LANES) {
                        const vf value = F(load)(xp + w);
                        vf y[GROUP] = {};
                        for (int k = 0; k < GROUP; k++) {
                            const int64_t c = group * GROUP + k;
                            if (c >= channels) continue;
                            const float *from = line + k * step + SIDE + w + length / 2;
                            UNROLL
                            for (int s = 0; s < TAPS; s++) {
                                if (s >= length) break;
                                const vf d = *(const vf *)(from - s);
                                y[k] += filter[c * length + s] * d;
                                total[k][s] += d * F(channel)(value, k);
                            }
                        }
                        F(store)(to + w, y, columns - w);
                    }
                    for (int k = 0; k < GROUP; k++)
                        for (int s = 0; s < length; s++)
                            sum[(group * GROUP + k) * length + s] += lane_sum(total[k][s]);
                }
        }
        free(line);
    }
    if (failed) return NO_MEMORY;
    for (int64_t i = 0; filter && i < channels * length; i++) {
        double total = 0;
        for (int64_t h = 0; h < rows; h++) total += sums[h * even * length + i];
        dfilter[i] = total;
    }
    return DONE;
}
