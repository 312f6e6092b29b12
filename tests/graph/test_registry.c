/* Loading plugins: any fault of a file or its place is refused before its code runs. Broken plugins are compiled here
 * from a few lines each. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "graph/registry.h"

static char folder[512]; /* of this run; plugins are in folder/plugins */

static void path_of(const char *name, char path[1024])
{
    snprintf(path, 1024, "%s/%s", folder, name);
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    char path[1024];
    path_of(name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

static void remove_plugin(void)
{
    char path[1024];
    path_of("plugins/x.so", path);
    chmod(path, 0755);
    unlink(path);
    path_of("plugins", path);
    chmod(path, 0755);
    path_of("ran", path);
    unlink(path);
}

/* Compiles a plugin to plugins/x.so. `table` begins its table; "" is none. */
static void compile(const char *prologue, const char *table)
{
    char source[8192], command[4096], path[1024];
    snprintf(
        source, sizeof source,
        "#include \"dae/plugin.h\"\n"
        "static int plan(const void *s, struct dae_plan *p) { p->output = p->input[0]; return 0; }\n"
        "static int pass(const struct dae_layer_call *call) { return 0; }\n"
        "static double f(const void *s, double x) { return x; }\n"
        "static double f2(const void *s, double x, double t) { return x; }\n"
        "static double f3(const void *s, double x, double u, double n) { return x; }\n"
        "static void reference(const struct dae_reference *call) { call->y[0] = call->x[0][0]; }\n"
        "static void affine(const void *s, const struct dae_plan *p, const float *const *w, double *f, double *o) {}\n"
        "static void step(const void *s, double lr, const double *c, double g, double *w, double *m) {}\n"
        "struct s { double lr; struct dae_level p; };\n"
        "static const struct dae_row rows[] = {DAE_FLOAT(struct s, lr, 1, 0, 1, \"\"), {0}};\n"
        "static const struct dae_row levels[] = {DAE_LEVEL(struct s, p, 1, 0, 1, \"\"), {0}};\n"
        "#define X DAE_TABLE_PLAIN(\"x\", \"\")\n"
        "#define POINTWISE X, .y = \"x\", .dx = \"dy\", .reference = f\n"
        "#define LAYER X, .plan = plan, .kernel = \"\", .reference = reference\n"
        "#define NOISE X, .y = \"x\", .reference = f3\n"
        "#define LOSS X, .y = \"x\", .dx = \"x\", .reference = f2\n"
        "#define OPTIMIZER DAE_TABLE(\"x\", \"\", struct s, rows), .update = \"\", .reference = step\n"
        "%s\n%s%s\n",
        prologue, table, table[0] ? "};" : "int nothing;");
    write_file("x.c", source, strlen(source));
    path_of("", path);
    const char *cc = getenv("CC");
    snprintf(command, sizeof command, "%s -std=gnu11 -w -Isrc -fPIC -shared -o '%s/plugins/x.so' '%s/x.c'",
             cc ? cc : "cc", folder, folder);
    assert_int_equal(system(command), 0);
}

static enum dae_status open_folder(struct error *err)
{
    char path[1024];
    path_of("plugins", path);
    const char *const folders[] = {path};
    struct registry *registry;
    *err = (struct error){0};
    enum dae_status status = registry_open(folders, 1, &registry, err);
    registry_close(registry);
    return status;
}

static void refused(const char *why)
{
    struct error err;
    if (open_folder(&err) != DAE_PLUGIN || !strstr(err.text, "/plugins") || !strstr(err.text, why))
        fail_msg("wanted a refusal because '%s', got '%s'", why, err.text);
    remove_plugin();
}

/* The table of a good plugin loads, so each other table is refused for its one change. */
static void a_good_plugin_loads(void **state)
{
    (void)state;
    struct error err;
    compile("", "DAE_POINTWISE = {POINTWISE");
    if (open_folder(&err) != DAE_OK)
        fail_msg("%s", err.text);
    remove_plugin();
}

static void malformed_tables_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *table, *why;
    } broken[] = {
        {"DAE_POINTWISE = {POINTWISE, .head.abi = 1", "its table says contract 1, but this program uses contract 4"},
        {"DAE_POINTWISE = {POINTWISE, .head.name = 0", "no name"},
        {"DAE_POINTWISE = {POINTWISE, .head.name = \"../x\"", "a-z"},
        {"DAE_POINTWISE = {POINTWISE, .head.help = 0", "no help text"},
        {"DAE_POINTWISE = {POINTWISE, .head.rows = rows", "no state for them"},
        {"DAE_POINTWISE = {POINTWISE, .head.rows = rows, .head.state_bytes = 4", "a row is incomplete"},
        {"DAE_POINTWISE = {POINTWISE, .head.rows = levels, .head.state_bytes = 400",
         "only a corruption can have a level"},
        {"DAE_POINTWISE = {POINTWISE, .head.rows = (const struct dae_row[]){{.key = \"a\"}, {0}}, .head.state_bytes = "
         "8",
         "a row is incomplete"},
        {"DAE_POINTWISE = {POINTWISE, .dx = 0", "the formulas y and dx"},
        {"DAE_POINTWISE = {POINTWISE, .reference = 0", "needs a reference"},
        {"DAE_POINTWISE = {POINTWISE, .weight = \"a\", .weighted_reference = f2", "needs dw"},
        {"DAE_LAYER = {LAYER, .plan = 0", "plan and reference"},
        {"DAE_LAYER = {LAYER, .reference = 0", "plan and reference"},
        {"DAE_LAYER = {LAYER, .kernel = 0", "no kernel"},
        {"DAE_LAYER = {LAYER, .view = true", "a view must not have"},
        {"DAE_LAYER = {LAYER, .forward = pass", "forward and backward"},
        {"DAE_LAYER = {LAYER, .couples = true", "couples samples needs"},
        {"DAE_LAYER = {LAYER, .max_inputs = 2, .affine = affine", "one input can be affine"},
        {"DAE_LAYER = {LAYER, .max_inputs = 99", "number of inputs"},
        {"DAE_LAYER = {LAYER, .min_inputs = 3", "number of inputs"},
        {"DAE_NOISE = {NOISE, .y = 0", "either the formula y or a kernel"},
        {"DAE_NOISE = {NOISE, .kernel = \"\"", "either the formula y or a kernel"},
        {"DAE_NOISE = {NOISE, .reference = 0", "needs a reference"},
        {"DAE_NOISE = {NOISE, .y = 0, .kernel = \"\"", "needs a sample_reference"},
        {"DAE_NOISE = {NOISE, .reads_data = true", "can read other samples"},
        {"DAE_NOISE = {NOISE, .plan = plan", "a plugin with a formula must not have a plan"},
        {"DAE_NOISE = {NOISE, .head.state_bytes = 1025", "limited to 1024 bytes"},
        {"DAE_NOISE = {NOISE, .deviation = \"p\"", "its deviation names no row"},
        {"DAE_NOISE = {NOISE, .head.rows = (const struct dae_row[]){{.key = \"clamp\", .help = \"\"}, {0}}, "
         ".head.state_bytes = 8",
         "two rows are called 'clamp', one of them the host's"},
        {"DAE_LOSS = {LOSS, .dx = 0", "either the formulas y and dx or a kernel"},
        {"DAE_LOSS = {LOSS, .reference = 0", "needs a reference"},
        {"DAE_LOSS = {LOSS, .plan = plan", "a plugin with a formula must not have a plan"},
        {"DAE_OPTIMIZER = {OPTIMIZER, .update = 0", "needs update and reference"},
        {"DAE_OPTIMIZER = {OPTIMIZER, .n_states = 5", "number of states"},
        {"DAE_OPTIMIZER = {OPTIMIZER, .learning_rate = 8", "fills its learning_rate"},
        {"DAE_OPTIMIZER = {OPTIMIZER, .decay = 1", "its decay names no coefficient"},
        {"const uint32_t dae_table_bytes_v4 = 8; const struct dae_loss dae_loss_v4 = {LOSS", "another size"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; ++i) {
        compile("", broken[i].table);
        refused(broken[i].why);
    }
}

static void files_that_are_no_plugins_are_refused(void **state)
{
    (void)state;
    char path[1024], *bytes;
    struct stat info;
    write_file("plugins/x.so", "not a library\n", 14);
    refused("x.so");
    write_file("plugins/x.so", "", 0);
    refused("x.so");
    compile("", "");
    refused("it exports none of dae_pointwise_v4");
    compile("const int dae_plugin_v3 = 3;", "");
    refused("it was written for plugin contract 3");
    /* Truncated at many lengths, in a child, because a loader that trusts the header dies. */
    compile("", "DAE_POINTWISE = {POINTWISE");
    path_of("plugins/x.so", path);
    assert_int_equal(stat(path, &info), 0);
    FILE *file = fopen(path, "rb");
    assert_non_null(bytes = malloc((size_t)info.st_size));
    assert_int_equal(fread(bytes, 1, (size_t)info.st_size, file), info.st_size);
    fclose(file);
    for (long percent = 1; percent < 100; percent += 7) {
        write_file("plugins/x.so", bytes, (size_t)(info.st_size * percent / 100));
        pid_t child = fork();
        if (child == 0) {
            struct error err;
            signal(SIGBUS, SIG_DFL);
            signal(SIGSEGV, SIG_DFL);
            _exit(open_folder(&err) == DAE_PLUGIN ? 10 : 0);
        }
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        if (!WIFEXITED(how))
            fail_msg("a plugin cut to %ld %% of its length killed the program (signal %d)", percent, WTERMSIG(how));
        assert_int_equal(WEXITSTATUS(how), 10);
    }
    free(bytes);
    remove_plugin();
    path_of("plugins/x.so", path);
    assert_int_equal(mkdir(path, 0755), 0);
    struct error err;
    assert_int_equal(open_folder(&err), DAE_PLUGIN);
    rmdir(path);
    assert_int_equal(mkfifo(path, 0644), 0);
    assert_int_equal(open_folder(&err), DAE_PLUGIN);
    unlink(path);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_int_equal(open_folder(&err), DAE_PLUGIN);
    unlink(path);
}

static void hostile(void)
{
    char constructor[2048], mark[1024];
    path_of("ran", mark);
    snprintf(
        constructor, sizeof constructor,
        "#include <stdio.h>\n__attribute__((constructor)) static void run(void) { fclose(fopen(\"%s\", \"w\")); }\n",
        mark);
    compile(constructor, "DAE_POINTWISE = {POINTWISE");
}

static bool ran(void)
{
    char mark[1024];
    path_of("ran", mark);
    return access(mark, F_OK) == 0;
}

static void hostile_code_does_not_run(void **state)
{
    (void)state;
    char path[1024];
    struct error err;
    /* The trap works: the constructor of a good plugin runs. */
    hostile();
    assert_int_equal(open_folder(&err), DAE_OK);
    assert_true(ran());
    remove_plugin();
    hostile();
    path_of("plugins", path);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(open_folder(&err), DAE_PLUGIN);
    assert_non_null(strstr(err.text, "others may write to it"));
    assert_false(ran());
    assert_int_equal(chmod(path, 0755), 0);
    path_of("plugins/x.so", path);
    assert_int_equal(chmod(path, 0757), 0);
    assert_int_equal(open_folder(&err), DAE_PLUGIN);
    assert_non_null(strstr(err.text, "others may write to it"));
    assert_false(ran());
    assert_int_equal(chmod(path, 0755), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 65534, 65534), 0);
        assert_int_equal(open_folder(&err), DAE_PLUGIN);
        assert_non_null(strstr(err.text, "belongs to user 65534"));
        assert_false(ran());
    }
    remove_plugin();
}

static void names_and_folders(void **state)
{
    (void)state;
    struct error err = {0};
    struct registry *registry;
    char path[1024];
    path_of("plugins", path);
    const char *const twice[] = {path, path}, *const missing[] = {"/nonexistent/plugins"};
    compile("", "DAE_POINTWISE = {POINTWISE");
    assert_int_equal(registry_open(twice, 2, &registry, &err), DAE_PLUGIN);
    assert_non_null(strstr(err.text, "again"));
    remove_plugin();
    err = (struct error){0};
    assert_int_equal(registry_open(missing, 1, &registry, &err), DAE_PLUGIN);
    assert_non_null(strstr(err.text, "/nonexistent/plugins"));
    /* Without a folder there is nothing, and nothing is found. */
    err = (struct error){0};
    assert_int_equal(registry_open(NULL, 0, &registry, &err), DAE_OK);
    assert_int_equal(registry_count(registry), 0);
    assert_null(registry_find(registry, PLUGIN_LAYER, "x"));
    registry_close(registry);
}

static int make_folder(void **state)
{
    (void)state;
    char path[1024];
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/dae-registry-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder))
        return 1;
    path_of("plugins", path);
    return mkdir(path, 0755);
}

static int remove_folder(void **state)
{
    (void)state;
    char path[1024];
    path_of("plugins", path);
    remove_plugin();
    rmdir(path);
    path_of("x.c", path);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_plugin_loads),
        cmocka_unit_test(malformed_tables_are_refused),
        cmocka_unit_test(files_that_are_no_plugins_are_refused),
        cmocka_unit_test(hostile_code_does_not_run),
        cmocka_unit_test(names_and_folders),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
