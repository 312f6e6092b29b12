#include "stats/fillers.h"

void fill_mean(const struct cells *rows, const double *mean, double *filled)
{
    for (int64_t i = 0; i < rows->n; ++i)
        for (int j = 0; j < rows->d; ++j) {
            int64_t at = i * rows->d + j;
            filled[at] = rows->seen[at] ? rows->x[at] : mean[j];
        }
}

void fill_forward(const struct cells *before, const struct cells *rows, const double *mean, double *filled)
{
    for (int j = 0; j < rows->d; ++j) {
        double last = mean[j];
        for (int64_t at = j; at < before->n * rows->d; at += rows->d)
            last = before->seen[at] ? before->x[at] : last;
        for (int64_t at = j; at < rows->n * rows->d; at += rows->d)
            filled[at] = last = rows->seen[at] ? rows->x[at] : last;
    }
}

void fill_cross_section(const struct cells *rows, const double *mean, double *filled)
{
    for (int64_t i = 0; i < rows->n; ++i) {
        int count = 0;
        double sum = 0;
        for (int64_t at = i * rows->d; at < (i + 1) * rows->d; ++at)
            if (rows->seen[at]) {
                sum += rows->x[at];
                ++count;
            }
        for (int j = 0; j < rows->d; ++j) {
            int64_t at = i * rows->d + j;
            filled[at] = rows->seen[at] ? rows->x[at] : count > 0 ? sum / count : mean[j];
        }
    }
}
