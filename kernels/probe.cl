/* The first kernel that a driver runs: y[i] = scale * x[j] + 1, where j is i's mirror image in its work-group, through
 * local memory. Whole numbers are exact.
 *
 *   probe_run   one work-item for each of the n numbers of x (n) and y (n), in work-groups of GROUP
 *
 * The host guarantees that GROUP divides n. */

#ifndef GROUP
#define GROUP 1
#endif

__kernel void probe_run(const float scale, __global const float *x, __global float *y)
{
    __local float tile[GROUP];
    const size_t i = get_global_id(0), l = get_local_id(0);
    tile[l] = x[i];
    barrier(CLK_LOCAL_MEM_FENCE);
    y[i] = scale * tile[GROUP - 1 - l] + 1.0f;
}
