/* Group normalisation (Wu and He 2018): x (PIXELS,IN_C) minus the mean of its group, over its deviation, times w[0] (IN_C),
 * plus w[1] (IN_C). A group is IN_C / P_GROUPS channels of all pixels. The gradient is that of batch normalisation: with
 * z the normalised x and g = dy w[0], dx = (g - mean g - z mean(g z)) / deviation, means over the group.
 *
 * Each of PARTS parts of the pixels has its own sums, so that a group of lanes shares the work; the order of the additions
 * is fixed. Squares are summed about the mean of each part and channel, then corrected for the distances of these means
 * (Chan, Golub and LeVeque, The American Statistician 37(3), 1983), so that no lane waits for a mean of all pixels.
 *
 * tmp: two numbers for each part (2,PARTS,IN_C), then a row of IN_C each of what follows, the same for all of a group. */
#ifndef FN
#define FN(pass) groupnorm_##pass
#define PIXELS 15
#define PARTS 15
#define IN_C 34
#define P_GROUPS 2
#define P_EPSILON 1e-5f
#endif

#define SECOND (PARTS * IN_C)
#define MEAN (2 * PARTS * IN_C)
#define INVERSE (MEAN + IN_C) /* 1 / deviation */
#define SHIFT (MEAN + 2 * IN_C) /* mean g */
#define ALONG (MEAN + 3 * IN_C) /* mean(g z) */
#define OWN_CHANNELS (IN_C / P_GROUPS)

/* A lane owns WIDTH channels from c on, of which n exist, of part number `part`, which begins at pixel FIRST(part). */
#define FIRST(part) ((int)((long)PIXELS * (part) / PARTS))
#define PIXELS_OF(part) ((float)(FIRST((part) + 1) - FIRST(part)))
#define FOR_PARTS FOR_LANES(i, PARTS * VECTORS(IN_C))
#define OWN const int part = i / VECTORS(IN_C), c = WIDTH * (i % VECTORS(IN_C)), n = IN_C - c
#define FOR_PIXELS(at) for (int at = FIRST(part) * IN_C + c; at < FIRST(part + 1) * IN_C; at += IN_C)

/* Mean and sum of squares of each part; of each channel; of each group. */
INLINE void FN(measure)(G const float *x, G float *tmp)
{
    FOR_PARTS {
        OWN;
        V sum = 0.0f, square = 0.0f;
        FOR_PIXELS(at)
            sum += load(x + at, n);
        const V mean = sum / PIXELS_OF(part);
        FOR_PIXELS(at)
            square += (load(x + at, n) - mean) * (load(x + at, n) - mean);
        store(mean, tmp + part * IN_C + c, n);
        store(square, tmp + SECOND + part * IN_C + c, n);
    }
    SYNC();
    FOR_LANES(i, VECTORS(IN_C)) {
        const int c = WIDTH * i, n = IN_C - c;
        V sum = 0.0f, square = 0.0f;
        for (int part = 0; part < PARTS; ++part)
            sum += PIXELS_OF(part) * load(tmp + part * IN_C + c, n);
        const V mean = sum / (float)PIXELS;
        for (int part = 0; part < PARTS; ++part) {
            const V apart = load(tmp + part * IN_C + c, n) - mean;
            square += load(tmp + SECOND + part * IN_C + c, n) + PIXELS_OF(part) * apart * apart;
        }
        store(mean, tmp + MEAN + c, n);
        store(square, tmp + INVERSE + c, n);
    }
    SYNC();
    FOR_LANES(group, P_GROUPS) {
        G float *mean = tmp + MEAN + group * OWN_CHANNELS, *inverse = tmp + INVERSE + group * OWN_CHANNELS;
        float sum = 0.0f, square = 0.0f;
        for (int c = 0; c < OWN_CHANNELS; ++c)
            sum += mean[c];
        const float all = sum / OWN_CHANNELS;
        for (int c = 0; c < OWN_CHANNELS; ++c)
            square += inverse[c] + (float)PIXELS * (mean[c] - all) * (mean[c] - all);
        for (int c = 0; c < OWN_CHANNELS; ++c) {
            mean[c] = all;
            inverse[c] = 1.0f / sqrt(square / ((float)PIXELS * OWN_CHANNELS) + P_EPSILON);
        }
    }
    SYNC();
}

INLINE void FN(forward)(FORWARD_ARGS)
{
    FN(measure)(x[0], tmp);
    FOR_LANES(i, PIXELS * VECTORS(IN_C)) {
        const int c = WIDTH * (i % VECTORS(IN_C)), n = IN_C - c, at = i / VECTORS(IN_C) * IN_C + c;
        const V z = (load(x[0] + at, n) - load(tmp + MEAN + c, n)) * load(tmp + INVERSE + c, n);
        store(z * load(w[0] + c, n) + load(w[1] + c, n), y + at, n);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    FN(measure)(x[0], tmp);
    FOR_PARTS {
        OWN;
        const V mean = load(tmp + MEAN + c, n), inverse = load(tmp + INVERSE + c, n);
        V shift = 0.0f, scale = 0.0f;
        FOR_PIXELS(at) {
            const V d = load(dy + at, n);
            shift += d;
            scale += d * ((load(x[0] + at, n) - mean) * inverse);
        }
        store(shift, tmp + part * IN_C + c, n);
        store(scale, tmp + SECOND + part * IN_C + c, n);
    }
    SYNC();
    FOR_LANES(i, VECTORS(IN_C)) {
        const int c = WIDTH * i, n = IN_C - c;
        const V factor = load(w[0] + c, n);
        V shift = 0.0f, scale = 0.0f;
        for (int part = 0; part < PARTS; ++part) {
            shift += load(tmp + part * IN_C + c, n);
            scale += load(tmp + SECOND + part * IN_C + c, n);
        }
        put(scale, dw[0] + c, n, add_dw);
        put(shift, dw[1] + c, n, add_dw);
        store(shift * factor, tmp + SHIFT + c, n);
        store(scale * factor, tmp + ALONG + c, n);
    }
    SYNC();
    FOR_LANES(group, P_GROUPS) {
        G float *shift = tmp + SHIFT + group * OWN_CHANNELS, *along = tmp + ALONG + group * OWN_CHANNELS;
        float shifts = 0.0f, alongs = 0.0f;
        for (int c = 0; c < OWN_CHANNELS; ++c) {
            shifts += shift[c];
            alongs += along[c];
        }
        for (int c = 0; c < OWN_CHANNELS; ++c) {
            shift[c] = shifts / ((float)PIXELS * OWN_CHANNELS);
            along[c] = alongs / ((float)PIXELS * OWN_CHANNELS);
        }
    }
    SYNC();
    FOR_LANES(i, dx[0] ? PIXELS * VECTORS(IN_C) : 0) {
        const int c = WIDTH * (i % VECTORS(IN_C)), n = IN_C - c, at = i / VECTORS(IN_C) * IN_C + c;
        const V inverse = load(tmp + INVERSE + c, n), g = load(dy + at, n) * load(w[0] + c, n);
        const V z = (load(x[0] + at, n) - load(tmp + MEAN + c, n)) * inverse;
        put((g - load(tmp + SHIFT + c, n) - z * load(tmp + ALONG + c, n)) * inverse, dx[0] + at, n, add_dx[0]);
    }
}

#undef SECOND
#undef MEAN
#undef INVERSE
#undef SHIFT
#undef ALONG
#undef OWN_CHANNELS
#undef FIRST
#undef PIXELS_OF
#undef FOR_PARTS
#undef OWN
#undef FOR_PIXELS
