#include "stats/cross_validation.h"

#include <math.h>

/* Labels are bytes. */
enum { N_LABELS = 256 };

/* Classes by their first appearance, as scikit-learn numbers them: rank[label]. Returns how many there are. */
static int rank_labels(const uint8_t *label, int64_t n, int rank[N_LABELS], int64_t count[N_LABELS])
{
    int n_classes = 0;
    for (int l = 0; l < N_LABELS; ++l)
        rank[l] = -1;
    for (int64_t i = 0; i < n; ++i) {
        if (rank[label[i]] < 0) {
            count[n_classes] = 0;
            rank[label[i]] = n_classes++;
        }
        ++count[rank[label[i]]];
    }
    return n_classes;
}

/* How many of the first n samples fold f gets. */
static int64_t dealt(int64_t n, int f, int n_folds)
{
    return n > f ? (n - f - 1) / n_folds + 1 : 0;
}

enum dae_status cross_validation_folds(const uint8_t *label, int64_t n, int n_folds, uint8_t *fold, struct error *err)
{
    if (n_folds < 2 || n_folds > CROSS_VALIDATION_MAX_FOLDS || n < n_folds)
        return error_set(err, DAE_CONFIG,
                         "cross-validation: %lld samples cannot be split into %d folds; use 2 to %d folds, with at "
                         "least one sample each",
                         (long long)n, n_folds, (int)CROSS_VALIDATION_MAX_FOLDS);
    int rank[N_LABELS];
    int64_t count[N_LABELS];
    const int n_classes = rank_labels(label, n, rank, count);
    /* Dealing out the samples, sorted by class, in turn determines how many of each class a fold gets; the first
     * samples of a class go to the first fold, and so on. */
    int64_t start[N_LABELS], left[N_LABELS] = {0};
    int next[N_LABELS] = {0};
    for (int class = 0; class < n_classes; ++class)
        start[class] = class > 0 ? start[class - 1] + count[class - 1] : 0;
    for (int64_t i = 0; i < n; ++i) {
        const int class = rank[label[i]];
        while (left[class] == 0) {
            const int f = next[class]++;
            left[class] = dealt(start[class] + count[class], f, n_folds) - dealt(start[class], f, n_folds);
        }
        --left[class];
        fold[i] = (uint8_t)(next[class] - 1);
    }
    return DAE_OK;
}

double cross_validation_accuracy(const struct cross_validation *trial, const bool *right)
{
    int64_t n[CROSS_VALIDATION_MAX_FOLDS] = {0}, n_right[CROSS_VALIDATION_MAX_FOLDS] = {0};
    for (int64_t i = 0; i < trial->n; ++i) {
        ++n[trial->fold[i]];
        n_right[trial->fold[i]] += right[i];
    }
    double sum = 0;
    for (int f = 0; f < trial->n_folds; ++f)
        sum += (double)n_right[f] / (double)n[f];
    return sum / trial->n_folds;
}

enum dae_status cross_validation_check(const struct cross_validation *trial, const char *what, struct error *err)
{
    for (int64_t i = 0; i < trial->n * trial->d; ++i)
        if (!isfinite(trial->given[i]) || !isfinite(trial->asked[i]))
            return error_set(err, DAE_BAD_DATA, "%s: feature %lld of sample %lld is NaN or infinite", what,
                             (long long)(i % trial->d), (long long)(i / trial->d));
    return DAE_OK;
}
