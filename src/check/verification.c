#include "check/verification.h"

#include "base/clock.h"
#include "base/version.h"
#include "check/bench.h"
#include "check/device_comparison.h"
#include "check/trust.h"

enum dae_status verification_run(struct verification *v, struct arena *arena, struct error *err)
{
    v->options = (struct verify_options){
        .epoch = 1,
        .seed = 1,
        .bytes = trust_data_are_bytes(&v->settings),
        .guards = true,
        .forms = VERIFY_JOINED_FOLDED,
        .optimizer = v->settings.optimizer,
        .optimizer_state = v->settings.optimizer_state,
        .contractive = v->settings.contractive,
        .average = v->settings.average,
    };
    verify_size(&v->network, v->settings.batch, &v->options);
    const double begin = clock_seconds();
    if (v->device[1])
        TRY(device_comparison_run(v->device, &v->network, &v->options, arena, &v->report, err));
    else
        TRY(verify_network(v->device[0], &v->network, &v->options, arena, &v->report, err));
    v->seconds = clock_seconds() - begin;
    return DAE_OK;
}

cJSON *verification_json(const struct verification *v)
{
    const struct verify_report *report = &v->report;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "dae_cl_version", DAE_CL_VERSION);
    cJSON_AddStringToObject(root, "name", v->settings.name);
    cJSON *devices = cJSON_AddArrayToObject(root, "devices");
    for (int i = 0; i < 2 && v->device[i]; ++i) {
        const struct platform_device *facts = device_facts(v->device[i]);
        cJSON *device = cJSON_CreateObject();
        cJSON_AddStringToObject(device, "platform", facts->platform);
        cJSON_AddStringToObject(device, "device", facts->name);
        cJSON_AddStringToObject(device, "device_version", facts->version);
        cJSON_AddStringToObject(device, "driver_version", facts->driver);
        cJSON_AddStringToObject(device, "shape", device_tuning(v->device[i])->wide ? "wide" : "grid");
        cJSON_AddItemToArray(devices, device);
    }
    cJSON_AddNumberToObject(root, "samples", (double)v->options.n);
    cJSON_AddNumberToObject(root, "numbers", (double)report->n_numbers);
    cJSON_AddNumberToObject(root, "checks", report->n_rows);
    cJSON_AddNumberToObject(root, "failed", report->n_failed);
    cJSON_AddBoolToObject(root, "passed", report->n_failed + report->n_void == 0);
    json_number(root, "seconds", v->seconds);
    cJSON *rows = cJSON_AddArrayToObject(root, "rows");
    for (int i = 0; i < report->n_rows; ++i) {
        const struct verify_row *row = &report->row[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "layer", row->node);
        cJSON_AddStringToObject(item, "type", row->plugin);
        cJSON_AddStringToObject(item, "what", row->what);
        json_number(item, "error", row->error);
        json_number(item, "bound", row->bound);
        cJSON_AddBoolToObject(item, "passed", row->passed);
        cJSON_AddStringToObject(item, "note", row->note);
        cJSON_AddItemToArray(rows, item);
    }
    return root;
}
