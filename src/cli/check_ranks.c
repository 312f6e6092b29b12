#include "cli/check_ranks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command_option option_check_ranks = {
    "ranks", "N", OPTION_VALUE, false, "predict what N ranks take; requires --network (docs/many_machines.md)"};
const struct command_option option_network = {
    "network", "RATE,LATENCY", OPTION_VALUE, false,
    "between the ranks: bits a second with K, M or G, and a time with us or ms, such as 1G,50us"};
const struct command_option option_images_per_second = {
    "images-per-second", "X", OPTION_VALUE, false,
    "what one rank trains with these parts, as run prints it; then the speed-up is predicted"};

struct unit {
    const char *name;
    double factor;
};

/* A positive number and its unit. */
static bool read_quantity(const char *text, size_t len, const struct unit *units, double *value)
{
    char *end;
    const double number = strtod(text, &end);
    const size_t rest = len - (size_t)(end - text);
    if (end == text || (size_t)(end - text) > len || !(number > 0) || !isfinite(number))
        return false;
    for (; units->name; ++units)
        if (strlen(units->name) == rest && strncmp(units->name, end, rest) == 0) {
            *value = number * units->factor;
            return true;
        }
    return false;
}

static bool read_link(const char *text, struct network_link *link)
{
    static const struct unit rates[] = {{"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {NULL, 0}};
    static const struct unit times[] = {{"us", 1e-6}, {"ms", 1e-3}, {NULL, 0}};
    const char *comma = strchr(text, ',');
    return comma && read_quantity(text, (size_t)(comma - text), rates, &link->bits_per_second) &&
           read_quantity(comma + 1, strlen(comma + 1), times, &link->latency);
}

static enum dae_status read_speed(const char *text, double *speed, struct error *err)
{
    static const struct unit none[] = {{"", 1}, {NULL, 0}};
    if (!text || read_quantity(text, strlen(text), none, speed))
        return DAE_OK;
    return error_set(err, DAE_CONFIG, "--images-per-second expects a number above 0, not '%s'", text);
}

enum dae_status check_ranks_read(const struct invocation *invocation, const struct network *network,
                                 const struct settings *settings, struct check_ranks *ranks, struct error *err)
{
    const char *count = invocation_value(invocation, "ranks");
    *ranks = (struct check_ranks){.network = invocation_value(invocation, "network")};
    TRY(read_speed(invocation_value(invocation, "images-per-second"), &ranks->images_per_second, err));
    if (!count && !ranks->network && ranks->images_per_second == 0)
        return DAE_OK;
    if (!count || !ranks->network)
        return error_set(err, DAE_CONFIG, "--ranks N and --network RATE,LATENCY belong together");
    char *end;
    const long n = strtol(count, &end, 10);
    if (end == count || *end || n < 2 || n > settings->parts)
        return error_set(err, DAE_CONFIG,
                         "--ranks expects a number from 2 to train.parts, which is %lld, not '%s'; --set train.parts=N "
                         "makes it larger",
                         (long long)settings->parts, count);
    if (!read_link(ranks->network, &ranks->link))
        return error_set(err, DAE_CONFIG, "--network expects a rate and a latency, such as 1G,50us, not '%s'",
                         ranks->network);
    ranks->ranks = (int)n;
    ranks->cost = exchange_cost(network->trained_len + 1, (int)settings->parts, ranks->ranks, &ranks->link);
    return DAE_OK;
}

/* Seconds of a step of one rank, and of all together. */
static double step_of_one(const struct check_ranks *ranks, const struct settings *settings)
{
    return (double)settings->batch / ranks->images_per_second;
}

static double step_of_all(const struct check_ranks *ranks, const struct settings *settings)
{
    return step_of_one(ranks, settings) * ranks->cost.share + ranks->cost.seconds;
}

/* All are faster than one if a step of one takes longer than this. */
static double least_step(const struct check_ranks *ranks)
{
    return ranks->cost.seconds / (1 - ranks->cost.share);
}

void check_ranks_print(const struct check_ranks *ranks, const struct settings *settings)
{
    if (ranks->ranks == 0)
        return;
    printf("\n%d ranks, %lld parts, over %s: in a step each sends %.2f MB, which takes %.3g ms\n", ranks->ranks,
           (long long)settings->parts, ranks->network, ranks->cost.bytes_sent / 1e6, 1e3 * ranks->cost.seconds);
    printf("  they are faster than one rank if its step takes more than %.3g ms (fewer than %.0f samples/s)\n",
           1e3 * least_step(ranks), (double)settings->batch / least_step(ranks));
    if (ranks->images_per_second > 0)
        printf("  from %.0f samples/s, a step of %.3g ms, to %.0f samples/s, a step of %.3g ms: %.2f times as fast\n",
               ranks->images_per_second, 1e3 * step_of_one(ranks, settings),
               (double)settings->batch / step_of_all(ranks, settings), 1e3 * step_of_all(ranks, settings),
               step_of_one(ranks, settings) / step_of_all(ranks, settings));
}

void check_ranks_json(const struct check_ranks *ranks, const struct settings *settings, cJSON *object)
{
    if (ranks->ranks == 0)
        return;
    cJSON *own = cJSON_AddObjectToObject(object, "ranks");
    cJSON_AddNumberToObject(own, "ranks", ranks->ranks);
    cJSON_AddNumberToObject(own, "parts", (double)settings->parts);
    cJSON_AddNumberToObject(own, "sent_bytes_per_step", ranks->cost.bytes_sent);
    cJSON_AddNumberToObject(own, "exchange_seconds_per_step", ranks->cost.seconds);
    cJSON_AddNumberToObject(own, "least_step_seconds", least_step(ranks));
    if (ranks->images_per_second > 0)
        cJSON_AddNumberToObject(own, "step_seconds", step_of_all(ranks, settings));
}
