// Sites of a network, and which component multiplies at each.
#include "lutra/graph/assignment.h"

#include <gtest/gtest.h>

#include "lutra/graph/site.h"
#include "lutra/models/built_in.h"
#include "test_files.h"

namespace lutra::test {
namespace {

std::vector<std::string> names_of(const std::vector<graph::Site>& sites) {
  std::vector<std::string> names;
  for (const graph::Site& site : sites) names.push_back(site.name());
  return names;
}

class AssignmentTest : public testing::Test {
 protected:
  AssignmentTest() {
    a_.name = "a";
    b_.name = "b";
  }
  /// Names of the sites that have this component.
  std::vector<std::string> sites_of(const synth::Component* component) const {
    std::vector<std::string> names;
    for (size_t i = 0; i < assignment_.sites().size(); ++i) {
      if (assignment_.at(i) == component) names.push_back(assignment_.sites()[i].name());
    }
    return names;
  }

  graph::Assignment assignment_{models::capsnet_edge()};
  synth::Component a_;
  synth::Component b_;
};

using Names = std::vector<std::string>;

TEST(Sites, OfCapsNetInTheOrderOfTheirFirstRun) {
  const std::vector<graph::Site> sites = graph::sites(models::capsnet_edge());
  EXPECT_EQ(names_of(sites),
            (Names{"conv1.mac", "primary.mac", "capsules.squash", "votes.mac", "routing.sum.1",
                   "routing.squash.1", "routing.agreement.1", "routing.sum.2", "routing.squash.2",
                   "routing.agreement.2", "routing.sum.3", "routing.squash.3", "class.mac"}));
  EXPECT_EQ(graph::operation_names(sites),
            (Names{"conv1.mac", "primary.mac", "squash.mac", "votes.mac", "routing.sum",
                   "routing.agreement", "class.mac"}));
  int64_t products = 0;
  for (const graph::Site& site : sites) products += site.products;
  EXPECT_EQ(products, 4103424 + 6 * 6 * 64 + 3 * 160 + 160) << "array, squashes, class";
}

TEST_F(AssignmentTest, PatternsNameSites) {
  assignment_.set("routing.sum", &a_);
  assignment_.set("capsules.squash", &a_);
  EXPECT_EQ(sites_of(&a_),
            (Names{"capsules.squash", "routing.sum.1", "routing.sum.2", "routing.sum.3"}));
  assignment_.set("*.mac", &b_);
  EXPECT_EQ(sites_of(&b_), (Names{"conv1.mac", "primary.mac", "votes.mac", "routing.squash.1",
                                  "routing.squash.2", "routing.squash.3", "class.mac"}))
      << "squash.mac is every squash, but for the one that was named";
}

TEST_F(AssignmentTest, TheClosestPatternWinsInAnyOrder) {
  const std::vector<std::pair<std::string, const synth::Component*>> given = {
      {"routing.sum.2", &b_}, {"routing.sum", &a_}, {"routing.*", &b_}};
  for (const auto& order : {std::vector<size_t>{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}}) {
    assignment_ = graph::Assignment(models::capsnet_edge());
    for (const size_t i : order) assignment_.set(given[i].first, given[i].second);
    EXPECT_EQ(sites_of(&a_), (Names{"routing.sum.1", "routing.sum.3"}));
    EXPECT_EQ(sites_of(&b_),
              (Names{"routing.squash.1", "routing.agreement.1", "routing.sum.2", "routing.squash.2",
                     "routing.agreement.2", "routing.squash.3"}));
  }
}

TEST_F(AssignmentTest, TheRestIsWhatNoPatternNamed) {
  assignment_.set("conv1.mac", nullptr);  // exact, on purpose
  assignment_.set("votes.mac", &a_);
  assignment_.set_rest(true, &b_);
  EXPECT_EQ(sites_of(&b_), (Names{"primary.mac", "routing.sum.1", "routing.agreement.1",
                                  "routing.sum.2", "routing.agreement.2", "routing.sum.3"}));
  EXPECT_EQ(assignment_.at(0), nullptr);
}

TEST_F(AssignmentTest, ComponentsAreNumberedByTheirFirstSite) {
  assignment_.set("*", &a_);
  assignment_.set("conv1.mac", &b_);
  EXPECT_EQ(assignment_.components(), (std::vector<const synth::Component*>{&b_, &a_}));
  EXPECT_EQ(assignment_.number(0), 0);
  EXPECT_EQ(assignment_.number(1), 1);
}

TEST_F(AssignmentTest, LabelsAreThePatternsThatMakeItAgain) {
  assignment_.set("*", &a_);
  assignment_.set("routing.sum.2", &b_);
  assignment_.set("squash.mac", &b_);
  const nlohmann::json labels =
      assignment_.by_label([](const synth::Component& component) { return component.name; });
  EXPECT_EQ(labels, (nlohmann::json{{"conv1.mac", "a"},
                                    {"primary.mac", "a"},
                                    {"squash.mac", "b"},
                                    {"votes.mac", "a"},
                                    {"routing.sum.1", "a"},
                                    {"routing.sum.2", "b"},
                                    {"routing.sum.3", "a"},
                                    {"routing.agreement", "a"},
                                    {"class.mac", "a"}}));
  graph::Assignment again(models::capsnet_edge());
  for (const auto& [label, name] : labels.items()) again.set(label, name == "a" ? &a_ : &b_);
  EXPECT_TRUE(again == assignment_);
}

TEST_F(AssignmentTest, WrongPatterns_bad) {
  const auto refuse = [this](const std::string& pattern, const std::string& part) {
    expect_error(ErrorKind::kInvalidArgument, part, [&] { assignment_.set(pattern, &a_); });
  };
  for (const char* pattern : {"conv9.mac", "conv1", "routing.sum.4", "routing.sum.", "", "*.max",
                              "CONV1.mac", "[c]onv9.mac"}) {
    refuse(pattern, fmt::format("operation '{}' does not exist in capsnet-edge, expected one of: "
                                "conv1.mac, primary.mac, squash.mac, votes.mac",
                                pattern));
  }
  assignment_.set("conv*", &b_);
  refuse("*1.mac", "'conv*' and '*1.mac' give conv1.mac two multipliers");
  assignment_.set("routing.sum", &b_);
  refuse("routing.sum", "'routing.sum' and 'routing.sum' give routing.sum.1 two multipliers");
}

}  // namespace
}  // namespace lutra::test
