"use strict";

// Log-magnitude spectrograms, drawn from samples: no picture has to be part of the page.
const Spectrogram = (() => {
  const SIZE = 512; // samples of a window and of its transform
  const BINS = SIZE / 2;
  const MOST_COLUMNS = 512;
  const FLOOR_DB = -80;
  // of matplotlib's magma, evenly spaced
  const COLOURS = [
    [0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122],
    [229, 80, 100], [251, 135, 97], [254, 194, 135], [252, 253, 191],
  ];

  const hann = Float64Array.from(
    { length: SIZE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE));
  const twiddle = Float64Array.from({ length: SIZE }, (_, i) => {
    const angle = (-2 * Math.PI * (i >> 1)) / SIZE;
    return i % 2 ? Math.sin(angle) : Math.cos(angle);
  });

  // in place, radix 2
  function transform(re, im) {
    for (let i = 1, j = 0; i < SIZE; i++) {
      let bit = SIZE >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) {
        [re[i], re[j]] = [re[j], re[i]];
        [im[i], im[j]] = [im[j], im[i]];
      }
    }
    for (let length = 2; length <= SIZE; length <<= 1) {
      const half = length >> 1;
      const step = SIZE / length;
      for (let start = 0; start < SIZE; start += length) {
        for (let k = 0; k < half; k++) {
          const cos = twiddle[2 * k * step];
          const sin = twiddle[2 * k * step + 1];
          const a = start + k;
          const b = a + half;
          const x = re[b] * cos - im[b] * sin;
          const y = re[b] * sin + im[b] * cos;
          re[b] = re[a] - x;
          im[b] = im[a] - y;
          re[a] += x;
          im[a] += y;
        }
      }
    }
  }

  // Power by column and bin; the columns are spread evenly over the samples.
  function powers(samples) {
    const columns = Math.max(2, Math.min(MOST_COLUMNS, Math.ceil(samples.length / 64)));
    const power = new Float32Array(columns * BINS);
    const re = new Float64Array(SIZE);
    const im = new Float64Array(SIZE);
    for (let column = 0; column < columns; column++) {
      const first = Math.round(((column + 0.5) * samples.length) / columns) - SIZE / 2;
      for (let i = 0; i < SIZE; i++) re[i] = hann[i] * (samples[first + i] || 0);
      im.fill(0);
      transform(re, im);
      for (let bin = 0; bin < BINS; bin++) {
        power[column * BINS + bin] = re[bin] * re[bin] + im[bin] * im[bin];
      }
    }
    return power;
  }

  function loudest(power) {
    return power.reduce((most, value) => Math.max(most, value), 0) || 1;
  }

  function colour(level) {
    const place = level * (COLOURS.length - 1);
    const low = Math.min(COLOURS.length - 2, Math.floor(place));
    return COLOURS[low].map((from, i) => from + (place - low) * (COLOURS[low + 1][i] - from));
  }

  // dB re `reference`, from -80 to 0; the lowest frequency is at the bottom
  function draw(canvas, power, reference) {
    const columns = power.length / BINS;
    canvas.width = columns;
    canvas.height = BINS;
    const image = new ImageData(columns, BINS);
    for (let column = 0; column < columns; column++) {
      for (let bin = 0; bin < BINS; bin++) {
        const db = 10 * Math.log10(power[column * BINS + bin] / reference + 1e-12);
        const level = Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
        image.data.set([...colour(level), 255], 4 * ((BINS - 1 - bin) * columns + column));
      }
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  return { powers, loudest, draw };
})();
