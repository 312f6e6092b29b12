/* Joins N_INPUTS arrays along the last axis: y (PIXELS,OUT_CHANNELS) from x[i] (PIXELS,CHANNELS_i). */
#ifndef FN
#define FN(pass) concat_##pass
#define PIXELS 9
#define OUT_CHANNELS 20
#define N_INPUTS 2
#define CHANNELS_0 3
#define CHANNELS_1 17
#define CHANNELS_2 0
#define CHANNELS_3 0
#define CHANNELS_4 0
#define CHANNELS_5 0
#define CHANNELS_6 0
#define CHANNELS_7 0
#endif

#define CHANNELS {CHANNELS_0, CHANNELS_1, CHANNELS_2, CHANNELS_3, CHANNELS_4, CHANNELS_5, CHANNELS_6, CHANNELS_7}

INLINE void FN(forward)(FORWARD_ARGS)
{
    const int channels[] = CHANNELS;
    FOR_LANES(pixel, PIXELS) {
        G float *to = y + pixel * OUT_CHANNELS;
        for (int input = 0; input < N_INPUTS; to += channels[input++])
            for (int c = 0; c < channels[input]; c += WIDTH)
                store(load(x[input] + pixel * channels[input] + c, channels[input] - c), to + c,
                        channels[input] - c);
    }
}

INLINE void FN(backward)(BACKWARD_ARGS)
{
    const int channels[] = CHANNELS;
    FOR_LANES(pixel, PIXELS) {
        G const float *from = dy + pixel * OUT_CHANNELS;
        for (int input = 0; input < N_INPUTS; from += channels[input++])
            for (int c = 0; dx[input] && c < channels[input]; c += WIDTH)
                put(load(from + c, channels[input] - c), dx[input] + pixel * channels[input] + c,
                      channels[input] - c, add_dx[input]);
    }
}

#undef CHANNELS
