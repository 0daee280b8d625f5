/* Normalisation and ReLU. */

/* a = relu((y - mean) / sqrt(variance + 1e-5)), as instance normalisation without affine.
 *
 * sums: of y by `conv`. moments: (even channels, 2) floats: mean and reciprocal deviation. */
int F(norm_relu)(
    const Map *y, const Map *a, const double *sums, float *moments, int64_t rows, int64_t columns,
    int threads)
{
    const int64_t channels = round_up(y->channels, 2);
    for (int64_t c = 0; c < channels; c++) {
        double one = 0, two = 0;
        for (int64_t h = 0; h < rows; h++) {
            one += sums[(h * channels + c) * 2];
            two += sums[(h * channels + c) * 2 + 1];
        }
        const double mean = one / (rows * columns), variance = two / (rows * columns) - mean * mean;
        moments[2 * c] = mean;
        moments[2 * c + 1] = 1 / sqrt((variance > 0 ? variance : 0) + 1e-5);
    }
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < y->channels; c += GROUP) {
            const uint32_t *from = y->data + h * y->row + c / GROUP * y->group;
            uint32_t *to = a->data + h * a->row + c / GROUP * a->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf x = F(load)(from + w);
                vf out[GROUP];
                for (int k = 0; k < GROUP; k++) {
                    const float *moment = moments + 2 * (c + k);
                    const vf n = (F(channel)(x, k) - moment[0]) * moment[1];
                    out[k] = (vf)((vu)n & (vu)(n > 0.0f));
                }
                F(store)(to + w, out, columns - w);
            }
        }
    return DONE;
}

/* g, the gradient with respect to a, becomes the one with respect to y.
 *
 * sums: (rows, even channels, 2) doubles of scratch. */
int F(norm_relu_backward)(
    const Map *g, const Map *y, const float *moments, double *sums, int64_t rows, int64_t columns,
    int threads)
{
    const int64_t channels = round_up(y->channels, 2);
    float *means = malloc(channels * 2 * sizeof(float));
    if (!means) return NO_MEMORY;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < y->channels; c += GROUP) {
            const uint32_t *yp = y->data + h * y->row + c / GROUP * y->group;
            const uint32_t *gp = g->data + h * g->row + c / GROUP * g->group;
            vf one[GROUP] = {}, two[GROUP] = {};
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf x = F(load)(yp + w), d = F(load)(gp + w);
                for (int k = 0; k < GROUP; k++) {
                    const float *moment = moments + 2 * (c + k);
                    const vf n = (F(channel)(x, k) - moment[0]) * moment[1];
                    const vf part = (vf)((vu)F(channel)(d, k) & (vu)(n > 0.0f));
                    one[k] += part; /* lanes beyond the last column are 0 in g */
                    two[k] += part * n;
                }
            }
            for (int k = 0; k < GROUP; k++) {
                sums[(h * channels + c + k) * 2] = lane_sum(one[k]);
                sums[(h * channels + c + k) * 2 + 1] = lane_sum(two[k]);
            }
        }
    for (int64_t c = 0; c < y->channels; c++) {
        double one = 0, two = 0;
        for (int64_t h = 0; h < rows; h++) {
            one += sums[(h * channels + c) * 2];
            two += sums[(h * channels + c) * 2 + 1];
        }
        means[2 * c] = one / (rows * columns);
        means[2 * c + 1] = two / (rows * columns);
    }
    if (y->channels < channels) means[2 * y->channels] = means[2 * y->channels + 1] = 0;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < y->channels; c += GROUP) {
            const uint32_t *yp = y->data + h * y->row + c / GROUP * y->group;
            uint32_t *gp = g->data + h * g->row + c / GROUP * g->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf x = F(load)(yp + w), d = F(load)(gp + w);
                vf out[GROUP];
                for (int k = 0; k < GROUP; k++) {
                    const float *moment = moments + 2 * (c + k), *mean = means + 2 * (c + k);
                    const vf n = (F(channel)(x, k) - moment[0]) * moment[1];
                    const vf part = (vf)((vu)F(channel)(d, k) & (vu)(n > 0.0f));
                    out[k] = (part - mean[0] - n * mean[1]) * moment[1];
                }
                F(store)(gp + w, out, columns - w);
            }
        }
    free(means);
    return DONE;
}

/* g becomes 0 where a, if given, is not positive; db: (even channels,) sums of g over all pixels.
 *
 * sums: (rows, even channels) doubles of scratch. */
int F(relu_backward)(
    const Map *g, const Map *a, float *db, double *sums, int64_t rows, int64_t columns, int threads)
{
    const int64_t channels = round_up(g->channels, 2);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < g->channels; c += GROUP) {
            const uint32_t *ap = a ? a->data + h * a->row + c / GROUP * a->group : NULL;
            uint32_t *gp = g->data + h * g->row + c / GROUP * g->group;
            vf total[GROUP] = {};
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf d = F(load)(gp + w);
                vf out[GROUP];
                for (int k = 0; k < GROUP; k++) {
                    out[k] = F(channel)(d, k);
                    if (a) {
                        const vu positive = (vu)(F(channel)(F(load)(ap + w), k) > 0.0f);
                        out[k] = (vf)((vu)out[k] & positive);
                    }
                    total[k] += out[k];
                }
                if (a) F(store)(gp + w, out, columns - w);
            }
            for (int k = 0; k < GROUP; k++) sums[h * channels + c + k] = lane_sum(total[k]);
        }
    for (int64_t c = 0; c < g->channels; c++) {
        double total = 0;
        for (int64_t h = 0; h < rows; h++) total += sums[h * channels + c];
        db[c] = total;
    }
    return DONE;
}
