#include "data/ecg.h"

#include <math.h>
#include <stdlib.h>

#include "base/philox.h"

static const double pi = 3.14159265358979323846;

/* A wave at rest: its height, its width (standard deviation) and its place after the R peak, in seconds. The place of P
 * and T moves with the square root of the time between beats. */
struct wave {
    double height, width, place;
};
static const struct wave typical[] = {
    {0.15, 0.025, -0.17}, {-0.12, 0.010, -0.028}, {1.0, 0.011, 0}, {-0.22, 0.011, 0.028}, {0.30, 0.045, 0.27}};
enum {
    N_WAVES = sizeof typical / sizeof typical[0],
    PER_WAVE = 3,   /* words of a wave, from element 16 on */
    FIRST_BEAT = 64 /* the element of the first beat's word */
};

struct heart {
    struct wave wave[N_WAVES];
    double period;               /* mean seconds between beats */
    double breath, breath_phase; /* seconds of a breath, and where it begins, in radians */
    double sway, jitter;         /* by how much of itself the period changes with the breath, and at random */
};

static double between(struct philox_key key, uint32_t element, double low, double high)
{
    return low + (high - low) * philox_uniform(key, element);
}

static struct heart heart_of(struct philox_key key)
{
    struct heart heart = {
        .period = 60 / between(key, 0, 50, 110),
        .breath = between(key, 1, 3, 6),
        .breath_phase = between(key, 2, 0, 2 * pi),
        .sway = between(key, 3, 0.01, 0.08),
        .jitter = between(key, 4, 0.005, 0.03),
    };
    const double gain = between(key, 5, 0.7, 1.3), stretch = sqrt(heart.period);
    for (uint32_t i = 0; i < N_WAVES; ++i) {
        const uint32_t word = 16 + PER_WAVE * i;
        heart.wave[i] = (struct wave){gain * typical[i].height * between(key, word, 0.6, 1.4),
                                      typical[i].width * between(key, word + 1, 0.8, 1.3),
                                      typical[i].place * between(key, word + 2, 0.9, 1.1) *
                                          (fabs(typical[i].place) > 0.1 ? stretch : 1)};
    }
    return heart;
}

/* Adds a beat whose R peak is at `at` seconds. A Gaussian ends where it is below a millionth of its height. */
static void add_beat(const struct heart *heart, double at, double rate, int64_t window, float *x)
{
    for (int i = 0; i < N_WAVES; ++i) {
        const struct wave *wave = &heart->wave[i];
        const double centre = at + wave->place, reach = 5.3 * wave->width;
        const double from = ceil((centre - reach) * rate), until = floor((centre + reach) * rate);
        for (int64_t t = (int64_t)fmax(from, 0); t <= (int64_t)fmin(until, (double)(window - 1)); ++t) {
            const double u = ((double)t / rate - centre) / wave->width;
            x[t] += (float)(wave->height * exp(-0.5 * u * u));
        }
    }
}

static void draw(struct philox_key key, double rate, int64_t window, float *x)
{
    const struct heart heart = heart_of(key);
    const double seconds = (double)window / rate;
    double at = -1 - heart.period * philox_uniform(key, 6); /* no wave is more than a second from its R peak */
    for (uint32_t beat = 0; at < seconds + 1; ++beat) {
        add_beat(&heart, at, rate, window, x);
        const double change = heart.sway * sin(2 * pi * at / heart.breath + heart.breath_phase) +
                              heart.jitter * philox_normal(key, FIRST_BEAT + beat);
        at += heart.period * fmax(1 + change, 0.5);
    }
}

enum dae_status ecg_draw(uint64_t seed, uint32_t first, int64_t n, int64_t window, double rate, struct dataset *set,
                         struct error *err)
{
    set->n = n;
    set->kind = DATASET_FLOAT;
    set->shape = (struct dae_shape){.rank = 2, .dim = {window, 1}};
    float *values = set->values = calloc((size_t)n, (size_t)window * sizeof *values);
    if (!values)
        return error_no_memory(err, "generated signals",
                               (unsigned long long)n * (unsigned long long)window * sizeof *values);
    for (int64_t i = 0; i < n; ++i)
        draw((struct philox_key){.seed = seed, .stream = PHILOX_ECG, .sample = first + (uint32_t)i}, rate, window,
             values + i * window);
    return DAE_OK;
}
