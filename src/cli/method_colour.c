#include "cli/method_colour.h"

#include <stdbool.h>
#include <string.h>

enum { BLUE = 1, ORANGE, GREEN, PINK, SKY, AMBER, WINE, GREY };

/* The first that a name contains decides: "denoising AE, validation" is the denoising autoencoder's. */
static const struct {
    const char *word;
    int colour;
} methods[] = {{"denoising AE", BLUE}, {"denoising autoencoder", BLUE},
               {"denoised", BLUE},     {"standard", ORANGE},
               {"affine", GREEN},      {"PCA", PINK},
               {"Wiener", SKY},        {"median", AMBER},
               {"noisy", GREY},        {"Gaussian filter", WINE}};

int method_colour(const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; ++i)
        if (strstr(name, methods[i].word))
            return methods[i].colour;
    return 0;
}

void method_colours(struct figure_series *series, int n)
{
    bool taken[FIGURE_MAX_SERIES + 1] = {false};
    for (int i = 0; i < n; ++i) {
        const int colour = method_colour(series[i].name);
        series[i].colour = taken[colour] ? 0 : colour;
        taken[colour] = colour > 0;
    }
    for (int i = 0, next = 1; i < n; ++i) {
        while (next < FIGURE_MAX_SERIES && taken[next])
            ++next;
        if (series[i].colour == 0)
            taken[series[i].colour = next] = true;
    }
}
