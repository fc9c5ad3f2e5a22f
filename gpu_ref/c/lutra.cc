#include "lutra/lutra.h"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "lutra/base/error.h"
#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/engine/backend.h"
#include "lutra/tables/table_files.h"

namespace engine = lutra::engine;
namespace tables = lutra::tables;
using lutra::Error;
using lutra::ErrorKind;

struct lutra_multiplier {
  lutra_multiplier(std::string its_name, tables::LoadedTable table)
      : name(std::move(its_name)),
        loaded(std::move(table)),
        engine(loaded.table),
        line(tables::describe(name, loaded)) {
    for (const std::string& warning : loaded.warnings) {
      warnings += (warnings.empty() ? "" : "\n") + warning;
    }
  }
  std::string name;
  tables::LoadedTable loaded;
  lutra::engine::Multiplier engine;
  std::string line;
  std::string warnings;
};

struct lutra_backend {
  std::unique_ptr<engine::Backend> engine;
  std::string name;
};

struct lutra_rule {
  engine::DerivativeRule derivatives;
};

namespace {

thread_local std::string last_error;

lutra_status status_of(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kInvalidArgument:
    case ErrorKind::kNotFound:
      return LUTRA_USAGE;
    case ErrorKind::kUnavailable:
      return LUTRA_UNAVAILABLE;
    case ErrorKind::kUnimplemented:
      return LUTRA_UNIMPLEMENTED;
    case ErrorKind::kExhausted:
      return LUTRA_EXHAUSTED;
    case ErrorKind::kDataLoss:
      return LUTRA_DATA_LOSS;
    case ErrorKind::kMismatch:
    case ErrorKind::kInternal:
      break;
  }
  return LUTRA_INTERNAL;
}

lutra_status failed(ErrorKind kind, const char* what) noexcept {
  try {
    last_error = what;
  } catch (...) {
    last_error.clear();  // no memory for the text: the status says so
  }
  return status_of(kind);
}

/// Runs what a function does; nothing that it throws leaves C.
template <typename Work>
lutra_status guarded(const Work& work) noexcept {
  try {
    work();
    return LUTRA_OK;
  } catch (const Error& error) {
    return failed(error.kind(), error.what());
  } catch (const std::bad_alloc&) {
    return failed(ErrorKind::kExhausted, "memory does not suffice");
  } catch (const std::exception& error) {
    return failed(ErrorKind::kInternal, error.what());
  } catch (...) {
    return failed(ErrorKind::kInternal, "an unknown exception");
  }
}

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorKind::kInvalidArgument, what); }

template <typename T>
const T& need(const char* function, const char* what, const T* pointer) {
  if (pointer == nullptr) fail(std::string(function) + ": " + what + " is null");
  return *pointer;
}

tables::OperandType operand(const lutra_operand& type) { return {type.width, type.is_signed != 0}; }

lutra_operand operand(const tables::OperandType& type) { return {type.width, type.is_signed}; }

// The engine says what is wrong with a dimension or a window before it looks into a tensor. So
// where one is wrong, the size that it gives is unknown, and not compared.
constexpr int64_t kUnknown = 0;

/// Elements of a tensor, at most INT64_MAX.
int64_t volume(std::initializer_list<int64_t> dimensions) {
  int64_t result = 1;
  for (const int64_t d : dimensions) {
    if (d < 1) return kUnknown;
    result = result > INT64_MAX / d ? INT64_MAX : result * d;
  }
  return result;
}

int64_t outputs(const lutra_window& w, int64_t size) {
  constexpr int kMost = 1 << 16;
  const auto within = [](int value, int low) { return value >= low && value <= kMost; };
  if (size < 1 || !within(w.kernel, 1) || !within(w.stride, 1) || !within(w.dilation, 1) ||
      !within(w.pad_before, 0) || !within(w.pad_after, 0)) {
    return kUnknown;
  }
  const int64_t room = size + w.pad_before + w.pad_after - int64_t{w.dilation} * (w.kernel - 1) - 1;
  return room < 0 ? kUnknown : room / w.stride + 1;
}

/// Input channels of a group.
int64_t channels(int in_channels, int groups) {
  return groups < 1 || in_channels % groups != 0 ? kUnknown : in_channels / groups;
}

engine::Window window(const lutra_window& w) {
  return {w.kernel, w.stride, w.pad_before, w.pad_after, w.dilation};
}

/// Checks and translates what the operations have in common; the engine checks the rest.
class Translation {
 public:
  template <typename Args>
  Translation(const char* function, lutra_backend* backend, const Args* args)
      : function_(function) {
    need(function, "the backend", backend);
    need(function, "the argument structure", args);
  }

  /// That a buffer, where there is one, has as many elements as its shape.
  void size(const char* what, const void* buffer, size_t size, int64_t expected) const {
    if (expected == kUnknown || (buffer == nullptr && size == 0)) return;
    if (size == static_cast<uint64_t>(expected)) return;
    fail(what + (" of " + std::to_string(size)) + " elements, expected " +
         std::to_string(expected));
  }
  engine::Products products(const lutra_multiplier* multiplier) const {
    return need(function_, "the multiplier", multiplier).engine.products();
  }
  engine::Requantisation requantisation(const lutra_requantisation& r) const {
    if (r.shift == 0 && r.low == 0 && r.high == 0) {
      fail("the requantisation is all zeros, expected one as of lutra_to_int8()");
    }
    return {r.shift, r.low, r.high};
  }
  template <typename Args>
  engine::Destination destination(const Args& args, int64_t count) const {
    size("output", args.output, args.output_size, count);
    size("sums", args.sums, args.sums_size, count);
    if (args.output == nullptr) return {{}, nullptr, args.sums};
    return {requantisation(args.requantisation), args.output, args.sums};
  }
  template <typename Enum>
  Enum one_of_two(const char* what, int value) const {
    if (value == 0 || value == 1) return static_cast<Enum>(value);
    fail(std::string(what) + " = " + std::to_string(value) + ", expected 0 or 1");
  }
  /// Sizes of a convolution's tensors, and of its sums.
  template <typename Args>
  int64_t convolution(const Args& args) const {
    size("input", args.input, args.input_size,
         volume({args.images, args.height, args.width, args.in_channels}));
    size("weight", args.weight, args.weight_size,
         volume({args.out_channels, args.vertical.kernel, args.horizontal.kernel,
                 channels(args.in_channels, args.groups)}));
    return volume({args.images, outputs(args.vertical, args.height),
                   outputs(args.horizontal, args.width), args.out_channels});
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    ::fail(std::string(function_) + ": " + what);
  }

  const char* function_;
};

void make(const char* function, lutra_multiplier** out, std::string name,
          tables::LoadedTable loaded) {
  need(function, "the place of the multiplier", out);
  *out = new lutra_multiplier(std::move(name), std::move(loaded));
}

template <typename Make>
lutra_status make_rule(const char* function, const lutra_multiplier* multiplier, lutra_rule** out,
                       const Make& derivatives) {
  return guarded([&] {
    need(function, "the multiplier", multiplier);
    need(function, "the place of the rule", out);
    *out = new lutra_rule{derivatives(multiplier->engine)};
  });
}

/// That a file of the format can be read back to the same table.
void check_writable(const tables::ProductTable& table, int format) {
  const tables::OperandType& type = table.first();
  const auto unsupported = [](const std::string& what) {
    throw Error(ErrorKind::kUnimplemented, "lutra_multiplier_save: " + what);
  };
  if (!(type == table.second())) {
    unsupported("operands of two types; files hold tables of one");
  }
  if (format == LUTRA_TABLE_RAW && type.width != 8) {
    unsupported("operands of " + std::to_string(type.width) + " bits; raw tables have 8");
  }
  const int bits = 2 * type.width - (type.is_signed ? 1 : 0);
  const int low = type.is_signed ? -(1 << bits) : 0;
  if (table.base() < low || table.largest() >= 1 << bits) {
    unsupported("products from " + std::to_string(table.base()) + " to " +
                std::to_string(table.largest()) + "; files hold " + std::to_string(low) + ".." +
                std::to_string((1 << bits) - 1));
  }
}

std::string file_bytes(const lutra_multiplier& multiplier, int format) {
  const tables::ProductTable& table = multiplier.loaded.table;
  switch (format) {
    case LUTRA_TABLE_RAW:
      return tables::raw_bytes(table);
    case LUTRA_TABLE_NPY:
      return tables::npy_bytes(table);
    case LUTRA_TABLE_NPY_INT32:
      return tables::npy_int32_bytes(table);
    case LUTRA_TABLE_C_HEADER:
      return tables::c_header(table, multiplier.name, "lut");
    case LUTRA_TABLE_TEXT:
      return tables::text_table(table, tables::Order::kValue);
    case LUTRA_TABLE_TRIPLES:
      return tables::triple_table(table);
    default:
      fail("lutra_multiplier_save: format = " + std::to_string(format) +
           ", expected a lutra_table_format, 0..5");
  }
}

const std::vector<engine::BackendInfo>& backends() {
  static const std::vector<engine::BackendInfo> found = engine::backends();
  return found;
}

engine::Conv2dGradientArgs gradient_args(const Translation& t,
                                         const lutra_conv2d_gradient_args& a) {
  t.size("gradient", a.gradient, a.gradient_size, t.convolution(a));
  return {a.images,
          a.height,
          a.width,
          a.in_channels,
          a.out_channels,
          window(a.vertical),
          window(a.horizontal),
          a.groups,
          t.one_of_two<engine::Padding>("padding", a.padding),
          a.pad_value,
          a.input,
          a.weight,
          a.gradient,
          {},
          a.result};
}

int terms(const tables::Factorisation* factorisation) {
  return factorisation == nullptr ? -1 : static_cast<int>(factorisation->terms.size());
}

}  // namespace

const char* lutra_version(void) { return LUTRA_VERSION; }

const char* lutra_last_error(void) { return last_error.c_str(); }

lutra_status lutra_multiplier_load(const char* path, int is_unsigned, lutra_multiplier** out) {
  return guarded([&] {
    need("lutra_multiplier_load", "the path", path);
    make("lutra_multiplier_load", out, path, tables::read_table(path, is_unsigned != 0));
  });
}

lutra_status lutra_multiplier_create(const char* name, lutra_operand first, lutra_operand second,
                                     const int32_t* products, size_t products_size,
                                     lutra_multiplier** out) {
  return guarded([&] {
    need("lutra_multiplier_create", "the name", name);
    need("lutra_multiplier_create", "the products", products);
    make("lutra_multiplier_create", out, name,
         tables::examine({operand(first), operand(second), {products, products + products_size}},
                         "products in memory"));
  });
}

lutra_status lutra_multiplier_exact(lutra_operand first, lutra_operand second,
                                    lutra_multiplier** out) {
  return guarded([&] {
    make("lutra_multiplier_exact", out, "exact",
         tables::examine(tables::ProductTable::exact(operand(first), operand(second)), "a * b"));
  });
}

void lutra_multiplier_free(lutra_multiplier* multiplier) { delete multiplier; }

lutra_status lutra_multiplier_describe(const lutra_multiplier* multiplier,
                                       lutra_multiplier_info* info) {
  return guarded([&] {
    const lutra_multiplier& m = need("lutra_multiplier_describe", "the multiplier", multiplier);
    need("lutra_multiplier_describe", "the place of the description", info);
    const tables::TableStatistics& s = m.loaded.statistics;
    *info = {m.line.c_str(),
             m.warnings.c_str(),
             m.loaded.sha256.c_str(),
             operand(m.loaded.table.first()),
             operand(m.loaded.table.second()),
             s.mae,
             s.wce,
             s.ep,
             s.bias,
             s.zero_products,
             terms(m.engine.factorisation()),
             terms(m.engine.factorisation(tables::Operands::kSymmetric))};
  });
}

lutra_status lutra_multiplier_product(const lutra_multiplier* multiplier, int a, int b,
                                      int32_t* product) {
  return guarded([&] {
    const char* function = "lutra_multiplier_product";
    const tables::ProductTable& table = need(function, "the multiplier", multiplier).loaded.table;
    need(function, "the place of the product", product);
    if (!table.first().holds(a) || !table.second().holds(b)) {
      fail(function + (": operands " + std::to_string(a)) + " and " + std::to_string(b) +
           ", the multiplier takes " + std::to_string(table.first().lowest()) + ".." +
           std::to_string(table.first().highest()) + " and " +
           std::to_string(table.second().lowest()) + ".." +
           std::to_string(table.second().highest()));
    }
    *product = table(static_cast<uint8_t>(a), static_cast<uint8_t>(b));
  });
}

lutra_status lutra_multiplier_save(const lutra_multiplier* multiplier, const char* path,
                                   int format) {
  return guarded([&] {
    const lutra_multiplier& m = need("lutra_multiplier_save", "the multiplier", multiplier);
    need("lutra_multiplier_save", "the path", path);
    check_writable(m.loaded.table, format);
    lutra::base::write_file(path, file_bytes(m, format));
  });
}

int lutra_backend_count(void) {
  int count = 0;
  guarded([&] { count = static_cast<int>(backends().size()); });
  return count;
}

lutra_status lutra_backend_describe(int index, lutra_backend_info* info) {
  return guarded([&] {
    need("lutra_backend_describe", "the place of the description", info);
    const int count = static_cast<int>(backends().size());
    if (index < 0 || index >= count) {
      fail("lutra_backend_describe: index = " + std::to_string(index) + ", expected 0.." +
           std::to_string(count - 1));
    }
    const engine::BackendInfo& found = backends()[index];
    *info = {found.name.c_str(), found.available, found.reason.c_str()};
  });
}

lutra_status lutra_backend_create(const char* name, int jobs, lutra_backend** out) {
  return guarded([&] {
    need("lutra_backend_create", "the name", name);
    need("lutra_backend_create", "the place of the backend", out);
    if (jobs < 0) {
      fail("lutra_backend_create: jobs = " + std::to_string(jobs) + ", expected 0 (all cores) up");
    }
    auto made = std::make_unique<lutra_backend>();
    made->engine = engine::make_backend(name, jobs);
    made->name = made->engine->name();
    *out = made.release();
  });
}

const char* lutra_backend_name(const lutra_backend* backend) {
  return backend == nullptr ? "" : backend->name.c_str();
}

void lutra_backend_free(lutra_backend* backend) { delete backend; }

lutra_requantisation lutra_to_int8(int shift, int relu) {
  const auto r = engine::Requantisation::to_int8(shift, relu != 0);
  return {r.shift, r.low, r.high};
}

lutra_requantisation lutra_to_uint8(int shift) {
  const auto r = engine::Requantisation::to_uint8(shift);
  return {r.shift, r.low, r.high};
}

int lutra_window_outputs(lutra_window window, int size) {
  return static_cast<int>(outputs(window, size));
}

lutra_status lutra_gemm(lutra_backend* backend, const lutra_gemm_args* args) {
  return guarded([&] {
    const Translation t("lutra_gemm", backend, args);
    const lutra_gemm_args& a = *args;
    const int seconds = a.shared_second != 0 ? 1 : a.batch;
    t.size("first", a.first, a.first_size, volume({a.batch, a.rows, a.terms}));
    t.size("second", a.second, a.second_size, volume({seconds, a.outputs, a.terms}));
    t.size("bias", a.bias, a.bias_size, volume({a.outputs}));
    backend->engine->gemm({a.batch, a.rows, a.outputs, a.terms, a.shared_second != 0, a.first,
                           a.second, a.bias, t.products(a.multiplier),
                           t.destination(a, volume({a.batch, a.rows, a.outputs}))});
  });
}

lutra_status lutra_conv2d(lutra_backend* backend, const lutra_conv2d_args* args) {
  return guarded([&] {
    const Translation t("lutra_conv2d", backend, args);
    const lutra_conv2d_args& a = *args;
    const int64_t count = t.convolution(a);
    t.size("bias", a.bias, a.bias_size, volume({a.out_channels}));
    backend->engine->conv2d({a.images, a.height, a.width, a.in_channels, a.out_channels,
                             window(a.vertical), window(a.horizontal), a.groups,
                             t.one_of_two<engine::Padding>("padding", a.padding), a.pad_value,
                             a.input, a.weight, a.bias, t.products(a.multiplier),
                             t.destination(a, count)});
  });
}

lutra_status lutra_pool(lutra_backend* backend, const lutra_pool_args* args) {
  return guarded([&] {
    const Translation t("lutra_pool", backend, args);
    const lutra_pool_args& a = *args;
    t.size("input", a.input, a.input_size, volume({a.images, a.height, a.width, a.channels}));
    t.size("output", a.output, a.output_size,
           volume({a.images, outputs(a.vertical, a.height), outputs(a.horizontal, a.width),
                   a.channels}));
    backend->engine->pool({a.images, a.height, a.width, a.channels, window(a.vertical),
                           window(a.horizontal),
                           t.one_of_two<engine::PoolArgs::Kind>("kind", a.kind), a.is_signed != 0,
                           a.input, a.output});
  });
}

lutra_status lutra_add(lutra_backend* backend, const lutra_add_args* args) {
  return guarded([&] {
    const Translation t("lutra_add", backend, args);
    const lutra_add_args& a = *args;
    const int64_t count = volume({a.elements});
    t.size("first", a.first, a.first_size, count);
    t.size("second", a.second, a.second_size, count);
    t.size("output", a.output, a.output_size, count);
    backend->engine->add({a.elements, a.shift_first, a.shift_second, a.is_signed != 0, a.first,
                          a.second, t.requantisation(a.requantisation), a.output});
  });
}

lutra_status lutra_requantise(lutra_backend* backend, const lutra_requantise_args* args) {
  return guarded([&] {
    const Translation t("lutra_requantise", backend, args);
    const lutra_requantise_args& a = *args;
    t.size("sums", a.sums, a.sums_size, volume({a.elements}));
    t.size("output", a.output, a.output_size, volume({a.elements}));
    backend->engine->requantise({a.elements, a.sums, t.requantisation(a.requantisation), a.output});
  });
}

lutra_status lutra_votes(lutra_backend* backend, const lutra_votes_args* args) {
  return guarded([&] {
    const Translation t("lutra_votes", backend, args);
    const lutra_votes_args& a = *args;
    t.size("input", a.input, a.input_size, volume({a.images, a.capsules, a.in_dim}));
    t.size("weight", a.weight, a.weight_size, volume({a.capsules, a.classes, a.in_dim, a.out_dim}));
    t.size("output", a.output, a.output_size, volume({a.images, a.capsules, a.classes, a.out_dim}));
    backend->engine->votes({a.images, a.capsules, a.in_dim, a.classes, a.out_dim, a.shift, a.input,
                            a.weight, t.products(a.multiplier), a.output});
  });
}

lutra_status lutra_weighted_sum(lutra_backend* backend, const lutra_weighted_sum_args* args) {
  return guarded([&] {
    const Translation t("lutra_weighted_sum", backend, args);
    const lutra_weighted_sum_args& a = *args;
    t.size("coupling", a.coupling, a.coupling_size, volume({a.images, a.classes, a.capsules}));
    t.size("votes", a.votes, a.votes_size, volume({a.images, a.capsules, a.classes, a.out_dim}));
    t.size("output", a.output, a.output_size, volume({a.images, a.classes, a.out_dim}));
    backend->engine->weighted_sum({a.images, a.capsules, a.classes, a.out_dim, a.shift, a.coupling,
                                   a.votes, t.products(a.multiplier), a.output});
  });
}

lutra_status lutra_agreement(lutra_backend* backend, const lutra_agreement_args* args) {
  return guarded([&] {
    const Translation t("lutra_agreement", backend, args);
    const lutra_agreement_args& a = *args;
    const int64_t pairs = volume({a.images, a.capsules, a.classes});
    t.size("votes", a.votes, a.votes_size, volume({a.images, a.capsules, a.classes, a.out_dim}));
    t.size("v", a.v, a.v_size, volume({a.images, a.classes, a.out_dim}));
    t.size("before", a.before, a.before_size, pairs);
    t.size("output", a.output, a.output_size, pairs);
    backend->engine->agreement({a.images, a.capsules, a.classes, a.out_dim, a.shift, a.votes, a.v,
                                t.products(a.multiplier), a.before, a.output});
  });
}

lutra_status lutra_squash(lutra_backend* backend, const lutra_squash_args* args) {
  return guarded([&] {
    const Translation t("lutra_squash", backend, args);
    const lutra_squash_args& a = *args;
    t.size("input", a.input, a.input_size, volume({a.capsules, a.dim}));
    t.size("output", a.output, a.output_size, volume({a.capsules, a.dim}));
    backend->engine->squash(
        {a.capsules, a.dim, a.frac, a.input, t.products(a.multiplier), a.output});
  });
}

lutra_status lutra_softmax(lutra_backend* backend, const lutra_softmax_args* args) {
  return guarded([&] {
    const Translation t("lutra_softmax", backend, args);
    const lutra_softmax_args& a = *args;
    t.size("logits", a.logits, a.logits_size, volume({a.images, a.capsules, a.classes}));
    t.size("output", a.output, a.output_size, volume({a.images, a.classes, a.capsules}));
    backend->engine->softmax({a.images, a.capsules, a.classes, a.frac, a.logits, a.output});
  });
}

lutra_status lutra_classify(lutra_backend* backend, const lutra_classify_args* args) {
  return guarded([&] {
    const Translation t("lutra_classify", backend, args);
    const lutra_classify_args& a = *args;
    t.size("input", a.input, a.input_size, volume({a.images, a.classes, a.dim}));
    t.size("scores", a.scores, a.scores_size, volume({a.images, a.classes}));
    t.size("output", a.output, a.output_size, volume({a.images}));
    backend->engine->classify(
        {a.images, a.classes, a.dim, a.input, t.products(a.multiplier), a.scores, a.output});
  });
}

lutra_status lutra_rule_straight_through(const lutra_multiplier* multiplier, lutra_rule** out) {
  return make_rule("lutra_rule_straight_through", multiplier, out, engine::straight_through);
}

lutra_status lutra_rule_factorised_differences(const lutra_multiplier* multiplier, int half_window,
                                               lutra_rule** out) {
  return make_rule(
      "lutra_rule_factorised_differences", multiplier, out,
      [&](const engine::Multiplier& m) { return engine::factorised_differences(m, half_window); });
}

lutra_status lutra_rule_smoothed_differences(const lutra_multiplier* multiplier, int half_window,
                                             lutra_rule** out) {
  return make_rule(
      "lutra_rule_smoothed_differences", multiplier, out,
      [&](const engine::Multiplier& m) { return engine::smoothed_differences(m, half_window); });
}

void lutra_rule_free(lutra_rule* rule) { delete rule; }

lutra_status lutra_conv2d_input_gradient(lutra_backend* backend,
                                         const lutra_conv2d_gradient_args* args) {
  return guarded([&] {
    const char* function = "lutra_conv2d_input_gradient";
    const Translation t(function, backend, args);
    const lutra_rule& rule = need(function, "the rule", args->rule);
    engine::Conv2dGradientArgs a = gradient_args(t, *args);
    a.derivative = rule.derivatives.first();
    t.size("result", args->result, args->result_size,
           volume({a.images, a.height, a.width, a.in_channels}));
    backend->engine->conv2d_input_gradient(a);
  });
}

lutra_status lutra_conv2d_weight_gradient(lutra_backend* backend,
                                          const lutra_conv2d_gradient_args* args) {
  return guarded([&] {
    const char* function = "lutra_conv2d_weight_gradient";
    const Translation t(function, backend, args);
    const lutra_rule& rule = need(function, "the rule", args->rule);
    engine::Conv2dGradientArgs a = gradient_args(t, *args);
    a.derivative = rule.derivatives.second();
    t.size("result", args->result, args->result_size,
           volume({a.out_channels, a.vertical.kernel, a.horizontal.kernel,
                   channels(a.in_channels, a.groups)}));
    backend->engine->conv2d_weight_gradient(a);
  });
}
