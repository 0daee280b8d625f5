/* One precision's layers; kernels.c includes this once for each. GROUP is the channels of a lane,
 * and F(name) the name with the precision after it. */

#include "lanes.h"

#include "convolution.h"
#include "convolution_weights.h"
#include "normalisation.h"
#include "resizing.h"
#include "sampling.h"

const Constants F(constants) = {
    sizeof(Constants), sizeof(Map), sizeof(Entry), sizeof(Table),
    GROUP, LANES, MARGIN, TAPS, ADD, RELU};
