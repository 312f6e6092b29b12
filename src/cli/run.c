/* dae-cl run: trains the network of a config, compares it with its rivals, and writes everything to a folder. */
#include <stdlib.h>

#include "cli/command.h"
#include "cli/ranks_start.h"
#include "cli/run_values.h"
#include "cli/training_run.h"

static enum dae_status carry_out(struct training_run *run, struct error *err)
{
    struct session *session = run->session;
    if (run->print && invocation_has(session->invocation, "json"))
        return error_set(err, DAE_CONFIG, "--print prints one number, and --json all of them; give only one of them");
    if (run->print)
        TRY(run_values_check(run->print, err));
    TRY(session_read(session, session->invocation->argument[0], NULL, err));
    TRY(training_run_check(session, err));
    const enum dae_status status = training_run_carry_out(run, true, err);
    if (status_is_stop(status))
        error_note(err, "a checkpoint is in %s; to continue, type the same command with --resume",
                   session->folder.path);
    return status;
}

static enum dae_status run_run(const struct invocation *invocation, struct error *err)
{
    struct session *session = calloc(1, sizeof *session);
    struct training_run *run = calloc(1, sizeof *run);
    enum dae_status status = DAE_OK;
    if (session && run) {
        session_init(session, invocation);
        *run = (struct training_run){
            .session = session, .keeps_model = true, .reports = true, .print = invocation_value(invocation, "print")};
        bool is_parent;
        status = ranks_start(invocation, &session->ranks, &is_parent, err);
        if (status == DAE_OK && !is_parent)
            status = carry_out(run, err);
        if (status != DAE_OK)
            session_log_failure(session, err);
        ranks_end(session->ranks, status, err);
        training_run_release(run);
        session_close(session);
    } else {
        status = error_no_memory(err, "run", sizeof *run);
    }
    free(run);
    free(session);
    return status;
}

static const struct command_option option_from = {
    "from", "MODEL", OPTION_VALUE, false,
    "start from the weights of MODEL, a model.safetensors or the folder of its run, as the key train.from does"};
static const struct command_option option_freeze = {
    "freeze", "LAYER[,LAYER]", OPTION_LIST, false,
    "layers whose weights stay as they are in MODEL, as the key train.freeze lists them"};

static const struct command_option option_print = {
    "print", "PATH", OPTION_VALUE, false,
    "print only one number of run.json, such as test.model.mse, in short test.mse, or best_validation_loss"};

static const struct command_option *const options[] = {
    &option_platform, &option_out,     &option_from,  &option_freeze, &option_resume, &option_force, &option_ranks,
    &option_set,      &option_plugins, &option_trust, &option_json,   &option_print,  NULL,
};

static const struct command_row examples[] = {
    {"dae-cl run conv_mnist", "train a small network on MNIST, or on generated digits"},
    {"dae-cl run image_gray --set data.train=photos --set data.test=others",
     "train a denoiser on your own photographs"},
    {"dae-cl run conv_mnist --platform gpu --resume", "continue the run that Ctrl-C has stopped, on the GPU"},
    {NULL, NULL},
};

static const struct command_row files[] = {
    {"runs/NAME/report.html", "the report: what was trained, on what, and how it compares"},
    {"runs/NAME/model.safetensors", "the trained network with its config, which other commands read"},
    {"runs/NAME/config.yaml", "the config with every default filled in"},
    {"runs/NAME/run.json, runs/NAME/log.jsonl", "the results, and what happened when, for programs"},
    {"runs/NAME/checkpoint/", "what --resume continues from"},
    {"runs/NAME/figures/", "the figures of the report, SVG"},
    {NULL, NULL},
};

const struct command command_run = {
    .name = "run",
    .arguments = "CONFIG",
    .summary = "train a network, compare it with its rivals, and write a report",
    .description =
        "Trains the denoising autoencoder that CONFIG describes, then the rivals that its key compare lists: the same "
        "network without noise, and closed-form maps. Measures all of them on all test samples.\n\n"
        "Writes config.yaml (with every default filled in), log.jsonl, run.json, test_errors.safetensors, "
        "model.safetensors, checkpoint/, figures/ and report.html to the run's folder. Ctrl-C stops after the running "
        "step and writes a checkpoint; the same command with --resume continues and ends with the same bytes as a run "
        "that was never stopped. A folder that already holds a run is refused unless --resume or --force is given.\n\n"
        "With --from, training starts from the weights of a trained model instead of random numbers, and so do the "
        "rivals that are networks. Layers are found by their names, which must have the same shapes. What the model "
        "lacks starts from random numbers, and is named, as is what no layer takes. The optimiser and its learning "
        "rate are those of CONFIG. docs/interop.md says more.\n\n"
        "Started by mpirun or srun, or with --ranks N, several processes train the one network together and write what "
        "one would write, with the same bytes for any number of them: see train.parts and docs/many_machines.md.",
    .options = options,
    .examples = examples,
    .files = files,
    .run = run_run,
};
