// Tables from elsewhere become components without a netlist.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "lutra/base/files.h"
#include "lutra/base/npy.h"
#include "lutra/base/sha256.h"
#include "lutra/component/component.h"
#include "lutra/component/component_tables.h"
#include "lutra/component/energy_meter.h"
#include "lutra/component/library.h"
#include "lutra/component/multiplier_models.h"
#include "lutra/tables/table_files.h"
#include "test_files.h"

namespace lutra::synth {
namespace {

using test::expect_error;
using test::file_bytes;

class ImportTable : public testing::Test {
 protected:
  CharacterizeOptions options() const {
    CharacterizeOptions options;
    options.cache_dir = directory_.path() / "cache";
    return options;
  }

  Component import(const std::filesystem::path& file, bool is_unsigned = false,
                   bool shell = false) const {
    return import_table(file, is_unsigned ? Signedness::kUnsigned : Signedness::kFind, shell,
                        options());
  }

  template <typename T>
  std::filesystem::path npy(const std::string& name, const std::vector<std::size_t>& shape,
                            const std::vector<T>& values) const {
    return directory_.write(name, base::npy_bytes(shape, values.data()));
  }

  test::TestDirectory directory_;
};

/// Products of a library multiplier's model by bit pattern.
template <typename T>
std::vector<T> products(const std::string& specification) {
  const MultiplierSpec spec = parse_multiplier_spec(specification);
  const MultiplierModel model =
      multiplier_model(spec.family->name, spec.parameters, spec.width, spec.is_signed);
  const int values = 1 << spec.width;
  const auto operand = [&](int pattern) {
    return spec.is_signed && pattern >= values / 2 ? pattern - values : pattern;
  };
  std::vector<T> table;
  for (int i = 0; i < values * values; ++i) {
    table.push_back(static_cast<T>(model(operand(i / values), operand(i % values))));
  }
  return table;
}

TEST_F(ImportTable, EveryFormatGivesTheSameTable) {
  int compared = 0;
  const auto same = [&](const Component& component, const std::string& specification) {
    const MultiplierSpec spec = parse_multiplier_spec(specification);
    EXPECT_EQ(component.widths, spec.width) << specification;
    EXPECT_EQ(component.is_signed, spec.is_signed) << specification;
    EXPECT_EQ(component.lut, products<std::int16_t>(specification)) << specification;
    compared += static_cast<int>(component.lut.size());
  };
  const std::string raw = table_bytes(products<std::int16_t>("drum"));
  same(import(directory_.write("drum.bin", raw)), "drum");
  const std::vector<std::size_t> shape = {256, 256};
  same(import(npy("a.npy", shape, products<std::int16_t>("drum"))), "drum");
  same(import(npy("b.npy", shape, products<std::int32_t>("drum"))), "drum");
  same(import(npy("c.npy", shape, products<std::uint16_t>("drum:signed=0"))), "drum:signed=0");
  same(import(npy("d.npy", shape, products<std::int32_t>("drum:signed=0")), true), "drum:signed=0");
  const std::string raw_unsigned = table_bytes(products<std::int16_t>("bam:vbl=5,signed=0"));
  same(import(directory_.write("bam.bin", raw_unsigned), true), "bam:vbl=5,signed=0");
  for (const int width : {4, 5, 6, 7}) {
    const std::string spec = fmt::format("trunc:trunc_bits=1,width={}", width);
    const std::vector<std::size_t> small(2, std::size_t{1} << width);
    same(import(npy("small.npy", small, products<std::int16_t>(spec))), spec);
  }
  fmt::print("checked={}\n", compared);
  EXPECT_EQ(compared, 6 * 65536 + 256 + 1024 + 4096 + 16384);
}

// The first operand is the outer one: a table that does not commute shows it.
TEST_F(ImportTable, MeasuresErrorsAndCommutativity) {
  std::vector<std::int16_t> lut = products<std::int16_t>("exact");
  lut[3 * 256 + 5] += 40;
  const Component component = import(npy("one.npy", {256, 256}, lut));
  EXPECT_EQ(component.lut[3 * 256 + 5], 55);
  EXPECT_EQ(component.lut[5 * 256 + 3], 15);
  EXPECT_EQ(component.errors.wce, 40);
  EXPECT_EQ(component.errors.ep, 1 / 65536.0);
  EXPECT_EQ(component.errors.noncommuting, 2 / 65536.0);
  // A narrow table: 4 x 4 bits, one product of zero that is not zero.
  std::vector<std::int16_t> narrow = products<std::int16_t>("exact:width=4");
  narrow[0 * 16 + 9] = -6;
  const ErrorMetrics errors = import(npy("narrow.npy", {16, 16}, narrow)).errors;
  EXPECT_EQ(errors.mae, 6 / 256.0);
  EXPECT_EQ(errors.bias, -6 / 256.0);
  EXPECT_EQ(errors.zero_operand_ep, 1 / 31.0);
  EXPECT_EQ(errors.zero_operand_wce, 6);
  EXPECT_EQ(errors.histogram_negative[2], 1u);
  EXPECT_EQ(errors.hd, __builtin_popcount(-6 & 0xff));
}

TEST_F(ImportTable, SaysThatThereIsNoNetlist) {
  const Component component =
      import(directory_.write("mul.bin", table_bytes(products<std::int16_t>("drum"))));
  EXPECT_EQ(component.name, "mul");
  EXPECT_FALSE(component.has_netlist);
  for (const char* figure : {"area_um2", "delay_ns", "leakage_nw", "energy_per_op_fj"}) {
    EXPECT_TRUE(component.json.at(figure).is_null()) << figure;
  }
  EXPECT_TRUE(std::isnan(component.area_um2));
  EXPECT_TRUE(std::isnan(component.energy_per_op_fj));
  EXPECT_EQ(component.json.at("imported").at("file"), "mul.bin");
  EXPECT_EQ(component.json.at("imported").at("format"), "raw uint16");
  EXPECT_TRUE(component.json.at("rtl_check").is_null()) << "no source to be compared with";
  EXPECT_FALSE(std::filesystem::exists(component.directory / "netlist.json"));
  expect_error(ErrorKind::kInvalidArgument,
               "mul: no energy: the component was imported from a table",
               [&] { EnergyMeter meter(component); });
  // What it exports is what it was made of.
  EXPECT_EQ(tables::raw_bytes(product_table(component)), file_bytes(directory_.path() / "mul.bin"));
}

TEST_F(ImportTable, IsCachedAndCheckedLikeAnyComponent) {
  const auto file = directory_.write("mul.bin", table_bytes(products<std::int16_t>("trunc")));
  const Component first = import(file);
  const Component second = import(file);
  EXPECT_EQ(first.directory, second.directory);
  EXPECT_NE(first.directory, import(file, true).directory) << "unsigned is another component";
  std::filesystem::resize_file(first.directory / "lut.npy", 1000);
  expect_error(ErrorKind::kDataLoss, "lut.npy: truncated or changed",
               [&] { load_component(first.directory); });
  EXPECT_EQ(import(file).lut, first.lut);
}

TEST_F(ImportTable, ComponentsHoldTheirFactorisation) {
  int checked = 0;
  const auto terms = [&](const std::string& specification) {
    const MultiplierSpec spec = parse_multiplier_spec(specification);
    const Component component =
        import(directory_.write("f.bin", table_bytes(products<std::int16_t>(specification))),
               !spec.is_signed);
    const auto& json = component.json.at("factorisation");
    EXPECT_EQ(component.factorisation.has_value(), !json.is_null()) << specification;
    if (json.is_null()) return -1;
    const tables::Operands operands =
        spec.is_signed ? tables::Operands::kSymmetric : tables::Operands::kAll;
    EXPECT_TRUE(tables::reconstructs(*component.factorisation, product_table(component), operands))
        << specification;
    EXPECT_EQ(component.factorisation->terms.size(), json.at("terms").get<std::size_t>());
    checked += static_cast<int>(component.lut.size());
    return json.at("terms").get<int>();
  };
  EXPECT_EQ(terms("drum"), 1);
  EXPECT_EQ(terms("bam:vbl=5"), 6);
  EXPECT_EQ(terms("udm:signed=0"), 2);
  EXPECT_EQ(terms("mitchell"), -1);
  fmt::print("checked={}\n", checked);
  EXPECT_EQ(checked, 3 * 65536);
}

TEST_F(ImportTable, DamagedFactorisationIsRefused_bad) {
  const Component component =
      import(directory_.write("mul.bin", table_bytes(products<std::int16_t>("udm"))));
  const std::filesystem::path json_file = component.directory / "component.json";
  const std::filesystem::path factors = component.directory / "factors.npy";
  const std::string json_bytes = file_bytes(json_file);
  const std::string factor_bytes = file_bytes(factors);
  int refused = 0;
  const auto refuse = [&](const std::string& part,
                          const std::function<void(nlohmann::json*)>& damage,
                          const std::string& bytes) {
    nlohmann::json json = nlohmann::json::parse(json_bytes);
    damage(&json);
    base::write_file(factors, bytes);
    json["files"]["factors.npy"] = base::sha256_hex(bytes);
    json.erase("self_sha256");
    json["self_sha256"] = base::sha256_hex(json.dump());
    base::write_file(json_file, json.dump());
    expect_error(ErrorKind::kInvalidArgument, part, [&] { load_component(component.directory); });
    ++refused;
  };
  const auto whole = [](nlohmann::json*) {};
  refuse(
      "not the products of lut.npy",
      [](nlohmann::json* json) { (*json)["factorisation"]["scales"][0] = 3; }, factor_bytes);
  std::string flipped = factor_bytes;
  flipped[flipped.size() - 4 * 200] ^= 1;
  refuse("factors.npy: with the scales of component.json, not the products", whole, flipped);
  refuse(
      "not the maps of 2 terms with 1 scales",
      [](nlohmann::json* json) { (*json)["factorisation"]["scales"].erase(0); }, factor_bytes);
  refuse(
      "not the maps of 1 terms with 1 scales",
      [](nlohmann::json* json) {
        (*json)["factorisation"]["scales"].erase(0);
        (*json)["factorisation"]["terms"] = 1;
      },
      factor_bytes);
  refuse("factors.npy", whole, factor_bytes.substr(0, 3000));
  refuse(
      "factorisation: ", [](nlohmann::json* json) { (*json)["factorisation"].erase("scales"); },
      factor_bytes);
  base::write_file(json_file, json_bytes);
  base::write_file(factors, flipped);
  expect_error(ErrorKind::kDataLoss, "factors.npy: truncated or changed",
               [&] { load_component(component.directory); });
  base::write_file(factors, factor_bytes);
  EXPECT_EQ(load_component(component.directory).lut, component.lut);
  fmt::print("checked={}\n", refused + 1);
  EXPECT_EQ(refused, 6);
}

// The shell in arithmetic is the shell in Verilog (mul_sign_magnitude): both against the models.
TEST_F(ImportTable, SignMagnitudeShellOfATable) {
  for (const char* family : {"drum", "exact"}) {
    const auto core = products<std::uint16_t>(std::string(family) + ":signed=0");
    const auto file = npy("core.npy", {256, 256}, core);
    EXPECT_EQ(import(file, true, true).lut, products<std::int16_t>(family)) << family;
  }
  const auto already = npy("signed.npy", {256, 256}, products<std::int16_t>("drum"));
  expect_error(ErrorKind::kInvalidArgument, "elements of type int16, expected uint16 or int32",
               [&] { import(already, true, true); });
  expect_error(ErrorKind::kInvalidArgument, "a signed table, expected an unsigned one",
               [&] { import(already, false, true); });
}

TEST_F(ImportTable, WrongFilesSayWhatWasFoundAndExpected_bad) {
  int refused = 0;
  const auto refuse = [&](const std::string& part, const std::filesystem::path& file,
                          bool is_unsigned = false) {
    expect_error(ErrorKind::kInvalidArgument, part, [&] { import(file, is_unsigned); });
    ++refused;
  };
  const std::string raw = table_bytes(products<std::int16_t>("exact"));
  expect_error(ErrorKind::kNotFound, "none.bin: no such file",
               [&] { import(directory_.path() / "none.bin", false); });
  refuse("empty.bin: 0 bytes, expected 131072", directory_.write("empty.bin", ""));
  refuse("cut.bin: 131071 bytes, expected 131072: a raw table of 256 x 256",
         directory_.write("cut.bin", raw.substr(0, 131071)));
  refuse("long.bin: 131074 bytes", directory_.write("long.bin", raw + "ab"));
  refuse("npy.npy: not a .npy file", directory_.write("npy.npy", raw));
  const std::string good = base::npy_bytes({256, 256}, products<std::int16_t>("exact").data());
  refuse("cut.npy: 65536 bytes of data, the header promises 131072",
         directory_.write("cut.npy", good.substr(0, 128 + 65536)));
  refuse("head.npy: truncated in the header", directory_.write("head.npy", good.substr(0, 100)));
  refuse("none.npy: not a .npy file", directory_.write("none.npy", ""));
  const std::vector<std::int16_t> values(65536);
  refuse("shape (65536), expected (2^w, 2^w) with w = 2..8", npy("f.npy", {65536}, values));
  refuse("shape (128, 512), expected", npy("f.npy", {128, 512}, values));
  refuse("shape (4, 64, 256)", npy("f.npy", {4, 64, 256}, values));
  refuse("shape (512, 512)", npy("f.npy", {512, 512}, std::vector<std::int16_t>(512 * 512)));
  refuse("shape (2, 2)", npy("f.npy", {2, 2}, std::vector<std::int16_t>(4)));
  refuse("shape (0, 0)", npy("f.npy", {0, 0}, values));
  refuse("elements of type '<f4', expected int16 (<i2), uint16 (<u2), int32 (<i4) or int64 (<i8)",
         npy("f.npy", {256, 256}, std::vector<float>(65536)));
  std::vector<std::int32_t> wide = products<std::int32_t>("exact");
  wide[7 * 256 + 9] = 32768;
  refuse("[7][9] = 32768, expected -32768..32767", npy("w.npy", {256, 256}, wide));
  refuse("[1][128] = -128, expected 0..65535: a product of 8-bit unsigned operands",
         npy("w.npy", {256, 256}, products<std::int32_t>("exact")), true);
  std::vector<std::int16_t> narrow(256);
  narrow[16] = 128;
  refuse("[1][0] = 128, expected -128..127", npy("n.npy", {16, 16}, narrow));
  std::string hostile = good;
  hostile.replace(hostile.find("(256, 256)"), 10, "(99999999999999999999, 0)");
  refuse("shape (99999999999999999999, 0)", directory_.write("h.npy", hostile));
  std::string fortran = good;
  fortran.replace(fortran.find("False"), 5, "True ");
  refuse("expected C order", directory_.write("o.npy", fortran));
  fmt::print("checked={}\n", refused);
  EXPECT_EQ(refused, 19);
  const std::filesystem::path cache = directory_.path() / "cache" / "components";
  EXPECT_TRUE(!std::filesystem::exists(cache) || std::filesystem::is_empty(cache));
}

}  // namespace
}  // namespace lutra::synth
