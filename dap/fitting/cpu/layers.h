/* One precision's layers; kernels.c includes this once for each. GROUP is the channels of a lane,
 * and F(name) the name with the precision after it. */

#include "lanes.h"

#include "convolution.h"
#include "convolution_weights.h"
#if GROUP == 1
#include "winograd.h"
#endif
#include "normalisation.h"
#include "resizing.h"
#include "sampling.h"

const Constants F(constants) = {
    sizeof(Constants), sizeof(Map), sizeof(Entry), sizeof(Table),
    GROUP, LANES, MARGIN, TAPS, ADD, RELU, SCRATCH, GROUP == 1 && LANES < 16, WINOGRAD_TAPS};
