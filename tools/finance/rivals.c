/* rivals DATA_FOLDER [FF30_MASK.npy SKFOLIO_MASK.npy]: the linear rivals on two panels of daily returns, as the tables
 * of docs/finance.md. A mask (test rows, assets) of bytes, 1 where a cell is hidden, adds a column for that one draw.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/date.h"
#include "stats/gaussian.h"
#include "study/panel/factor_stability.h"
#include "study/panel/imputation.h"
#include "study/panel/noise_removal.h"

#include "data/panel/panel_csv.h"
#include "numpy_random.h"

enum { N_DRAWS = 10, FEW = 5, MANY = 10, BLOCK_ROWS = 20 };

struct example {
    const char *name, *file, *from;
    enum panel_returns returns;
};

static const struct example examples[] = {
    {"FF30", "ff30_industry_daily_returns_pct.csv.gz", "1990-01-01", PANEL_NONE},
    {"skfolio", "skfolio_sp500_dataset.csv.gz", "1990-01-01", PANEL_LOG},
};
enum { N_EXAMPLES = sizeof examples / sizeof *examples };

struct loaded {
    struct panel panel;
    struct panel_split
        split;       /* training 70 %, then 10 % for validation, which is not touched here, then testing 20 % */
    uint8_t *hidden; /* (test rows, assets) a tenth: the one draw of the reference; malloc'ed */
};

static struct error err;

static void check(enum dae_status status)
{
    if (status == DAE_OK)
        return;
    fprintf(stderr, "%s\n", err.text);
    exit(status);
}

static void load(const struct example *example, const char *folder, struct loaded *out)
{
    char path[4096], first[DATE_TEXT_BYTES], last[DATE_TEXT_BYTES], test[DATE_TEXT_BYTES];
    double mean[PANEL_MAX_ASSETS], sd[PANEL_MAX_ASSETS];
    int64_t date = 0;
    *out = (struct loaded){0};
    struct panel *panel = &out->panel;
    snprintf(path, sizeof path, "%s/finance/%s", folder, example->file);
    check(panel_csv_load(panel, path, example->returns, &err));
    if (!date_parse(example->from, &date))
        abort();
    int64_t start = panel_find(panel, date), n = panel->cells.n - start;
    out->split = (struct panel_split){.train_first = start,
                                      .train_end = start + n * 7 / 10,
                                      .test_first = start + n * 8 / 10,
                                      .test_end = panel->cells.n};
    check(panel_moments(panel, out->split.train_first, out->split.train_end, mean, sd, &err));
    panel_standardise(panel, mean, sd, 8);
    printf("%s: %d assets; %lld training rows from %s to %s, %lld test rows from %s\n", example->name, panel->cells.d,
           (long long)(out->split.train_end - out->split.train_first), date_text(panel->date[start], first),
           date_text(panel->date[out->split.train_end - 1], last),
           (long long)(out->split.test_end - out->split.test_first),
           date_text(panel->date[out->split.test_first], test));
    int64_t len = (out->split.test_end - out->split.test_first) * panel->cells.d;
    struct numpy_random random;
    out->hidden = malloc((size_t)len);
    if (!out->hidden)
        abort();
    numpy_random_seed(&random, 1);
    for (int64_t i = 0; i < len; ++i)
        out->hidden[i] = numpy_random_uniform(&random) < 0.1;
}

/* What soft-impute is given, and no more: the seen cells of the test window itself. */
static enum dae_status fill_by_own_gaussian(void *context, const struct cells *rows, double *filled, struct error *e)
{
    struct gaussian g;
    (void)context;
    TRY(gaussian_fit(&g, rows, e));
    enum dae_status status = gaussian_fill(&g, rows, filled, NULL, e);
    gaussian_release(&g);
    return status;
}

/* One table: methods down; panels and shares across. */
static void print_imputation(const struct loaded *loaded, enum cell_mask_pattern pattern)
{
    static const double shares[] = {0.1, 0.3};
    enum { N_SHARES = sizeof shares / sizeof *shares };
    static const struct imputation_filler own = {"Gaussian of the test window's seen cells", fill_by_own_gaussian,
                                                 NULL};
    const int n_rows = pattern == CELL_MASK_RANDOM ? IMPUTE_N + 1 : IMPUTE_N;
    struct imputation one[N_EXAMPLES] = {0}, many[N_EXAMPLES][N_SHARES];
    for (int e = 0; e < N_EXAMPLES; ++e) {
        struct imputation_options options = {.panel = &loaded[e].panel,
                                             .split = loaded[e].split,
                                             .mask = {.pattern = pattern, .block = BLOCK_ROWS, .seed = 1},
                                             .n_draws = N_DRAWS,
                                             .filler = &own,
                                             .n_fillers = n_rows - IMPUTE_N,
                                             .few = FEW,
                                             .many = MANY};
        for (int s = 0; s < N_SHARES; ++s) {
            options.mask.share = shares[s];
            check(imputation_run(&options, &many[e][s], &err));
        }
        options.hidden = pattern == CELL_MASK_RANDOM ? loaded[e].hidden : NULL;
        options.n_draws = 1;
        if (options.hidden)
            check(imputation_run(&options, &one[e], &err));
    }
    printf("\nImputation, %s cells hidden: R2 on them, mean +- standard deviation of %d draws\n\n| method |",
           cell_mask_name(pattern), N_DRAWS);
    for (int e = 0; e < N_EXAMPLES; ++e) {
        printf("%s", one[e].numbers ? " reference's draw |" : "");
        for (int s = 0; s < N_SHARES; ++s)
            printf(" %s, %g |", examples[e].name, shares[s]);
    }
    printf("\n| --- |");
    for (int e = 0; e < N_EXAMPLES; ++e)
        printf("%s", one[e].numbers ? " --- | --- | --- |" : " --- | --- |");
    for (int m = 0; m < n_rows; ++m) {
        printf("\n| %s |", many[0][0].row[m].name);
        for (int e = 0; e < N_EXAMPLES; ++e) {
            if (one[e].numbers)
                printf(" %.4f |", one[e].row[m].r2);
            for (int s = 0; s < N_SHARES; ++s)
                printf(" %.4f +- %.3f |", many[e][s].row[m].r2, many[e][s].row[m].r2_spread);
        }
    }
    printf("\n");
    for (int e = 0; e < N_EXAMPLES; ++e) {
        imputation_release(&one[e]);
        for (int s = 0; s < N_SHARES; ++s)
            imputation_release(&many[e][s]);
    }
}

static void print_signal(const struct loaded *loaded)
{
    static const double sigmas[] = {0.5, 1};
    enum { N_SIGMAS = sizeof sigmas / sizeof *sigmas };
    struct noise_removal study[N_EXAMPLES][N_SIGMAS];
    for (int e = 0; e < N_EXAMPLES; ++e)
        for (int s = 0; s < N_SIGMAS; ++s) {
            const struct noise_removal_options options = {.panel = &loaded[e].panel,
                                                          .split = loaded[e].split,
                                                          .sigma = sigmas[s],
                                                          .k = FEW,
                                                          .n_draws = N_DRAWS,
                                                          .seed = 1};
            check(noise_removal_run(&options, &study[e][s], &err));
        }
    printf("\nAdded noise: test MSE, mean +- standard deviation of %d draws\n\n| method |", N_DRAWS);
    for (int e = 0; e < N_EXAMPLES; ++e)
        for (int s = 0; s < N_SIGMAS; ++s)
            printf(" %s, sigma %g |", examples[e].name, sigmas[s]);
    printf("\n| --- | --- | --- | --- | --- |");
    for (int m = 0; m < SIGNAL_N; ++m) {
        printf("\n| %s |", study[0][0].row[m].name);
        for (int e = 0; e < N_EXAMPLES; ++e)
            for (int s = 0; s < N_SIGMAS; ++s)
                printf(" %.4f +- %.4f |", study[e][s].row[m].mse, study[e][s].row[m].mse_spread);
    }
    printf("\n");
    for (int e = 0; e < N_EXAMPLES; ++e)
        for (int q = 0; q < N_SIGMAS; ++q)
            noise_removal_release(&study[e][q]);
}

static void print_factors(const struct loaded *loaded)
{
    printf("\nPCA factors of the halves of the training window, canonical correlations of their test codes\n\n"
           "| panel | mean | each | explained in training | in testing |\n| --- | --- | --- | --- | --- |\n");
    for (int e = 0; e < N_EXAMPLES; ++e) {
        struct factor_stability study;
        check(factor_stability_run(&loaded[e].panel, &loaded[e].split, FEW, &study, &err));
        printf("| %s | %.4f |", examples[e].name, study.mean_correlation);
        for (int a = 0; a < FEW; ++a)
            printf(" %.2f", study.correlations[a]);
        printf(" | %.4f | %.4f |\n", study.explained_train, study.explained_test);
        factor_stability_release(&study);
    }
}

int main(int argc, char **argv)
{
    struct loaded loaded[N_EXAMPLES];
    if (argc != 2) {
        fprintf(stderr, "usage: %s DATA_FOLDER\n", argv[0]);
        return DAE_CONFIG;
    }
    for (int e = 0; e < N_EXAMPLES; ++e)
        load(&examples[e], argv[1], &loaded[e]);
    print_imputation(loaded, CELL_MASK_RANDOM);
    print_imputation(loaded, CELL_MASK_BLOCK);
    print_imputation(loaded, CELL_MASK_LATE);
    print_signal(loaded);
    print_factors(loaded);
    for (int e = 0; e < N_EXAMPLES; ++e) {
        panel_release(&loaded[e].panel);
        free(loaded[e].hidden);
    }
    return DAE_OK;
}
