/* The channels of a lane, and planes of floats as maps and back. */

INLINE vf F(load)(const uint32_t *from) { return *(const vf *)from; }

/* acc + the sum over a group's channels of x times w, where w is the same for all columns */
INLINE vf F(madd)(vf acc, vf x, const uint32_t *w)
{
#if GROUP == 2
    __m512i wide = _mm512_set1_epi32((int)*w);
    return (vf)_mm512_dpbf16_ps((__m512)acc, (__m512bh)(__m512)x, (__m512bh)wide);
#elif defined(__aarch64__)
    float weight;
    memcpy(&weight, w, 4);
    return (vf)vfmaq_n_f32((float32x4_t)acc, (float32x4_t)x, weight);
#else
    return acc + x * (vf)((vu){} + *w);
#endif
}

/* channel `k` of a group, as floats */
INLINE vf F(channel)(vf x, int k)
{
#if GROUP == 2
    vu bits = (vu)x;
    return k ? (vf)(bits & 0xffff0000u) : (vf)(bits << 16);
#else
    (void)k;
    return x;
#endif
}

/* the channels of a group, rounded to nearest, as lanes */
INLINE vf F(pack)(vf first, vf second)
{
#if GROUP == 2
    __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)first));
    __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)second));
    return (vf)_mm512_or_si512(low, _mm512_slli_epi32(high, 16));
#else
    (void)second;
    return first;
#endif
}

INLINE void F(store)(uint32_t *to, const vf *channels, int64_t left)
{
    *(vf *)to = (vf)((vu)F(pack)(channels[0], channels[GROUP - 1]) & first_lanes(left));
}

/* out = planes, (channels, rows, columns) float32. */
int F(import_planes)(
    const float *planes, const Map *out, int64_t rows, int64_t columns, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < out->channels; c += GROUP) {
            uint32_t *to = out->data + h * out->row + c / GROUP * out->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                vf x[GROUP] = {};
                for (int k = 0; k < GROUP && c + k < out->channels; k++) {
                    const float *from = planes + ((c + k) * rows + h) * columns + w;
                    for (int64_t i = 0; i < LANES && w + i < columns; i++) x[k][i] = from[i];
                }
                F(store)(to + w, x, columns - w);
            }
        }
    return DONE;
}

/* planes, (channels, rows, columns) float32, = x. */
int F(export_planes)(const Map *x, float *planes, int64_t rows, int64_t columns)
{
    for (int64_t c = 0; c < x->channels; c++)
        for (int64_t h = 0; h < rows; h++)
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf line = F(channel)(
                    F(load)(x->data + h * x->row + c / GROUP * x->group + w), c % GROUP);
                float *to = planes + (c * rows + h) * columns + w;
                for (int64_t i = 0; i < LANES && w + i < columns; i++) to[i] = line[i];
            }
    return DONE;
}
