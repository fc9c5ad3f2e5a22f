#include "energy/recording.h"

#include "lutra/base/threads.h"
#include "lutra/runtime/inference.h"

namespace lutra::studies {

Recording record(const graph::QuantisedNetwork& network, const accelerator::AcceleratorShape& shape,
                 const graph::Assignment& assignment, const data::Dataset& data,
                 const SamplePlan& plan, int jobs) {
  const auto multipliers = runtime::multipliers(assignment);
  const accelerator::Program program = accelerator::compile(network, shape, assignment, false);
  const auto run = [&](int image, accelerator::ProgramObserver* observer) {
    accelerator::ProgramModel model(program, shape, multipliers);
    std::vector<uint8_t> output, trace;
    model.run(data::quantise_image(data, image), &output, &trace, observer);
    return model.counts();
  };
  Recording result;
  WorkCounter work;
  result.counts = run(0, &work);
  result.images.resize(static_cast<size_t>(plan.images));
  base::parallel_for(plan.images, 1, jobs, [&](int image, int) {
    OperandSampler sampler(work, plan.samples, plan.seed, image);
    run(image, &sampler);
    result.images[static_cast<size_t>(image)] = sampler.take();
  });
  return result;
}

}  // namespace lutra::studies
