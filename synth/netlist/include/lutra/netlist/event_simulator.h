#ifndef LUTRA_NETLIST_EVENT_SIMULATOR_H_
#define LUTRA_NETLIST_EVENT_SIMULATOR_H_

#include <cstdint>
#include <vector>

#include "lutra/netlist/netlist.h"
#include "lutra/netlist/netlist_simulator.h"

namespace lutra::synth {

/// What an event-driven simulation finds of each net beside its changes.
struct EventRecord {
  /// [net] How much longer it stood at 1 than if each settlement's last value had held from time 0
  /// on, in fs.
  std::vector<std::int64_t> extra_high_fs;
  /// [net] Changes that waited and were cancelled: pulses at a cell's output that its inertia keeps
  /// back.
  std::vector<std::uint64_t> cancelled;
};

/// Event-driven simulator of a combinational netlist with the library's delays: it sees the
/// glitches that a zero-delay simulation cannot.
///
/// Model: an output follows a change of an input after the cell_rise or cell_fall delay of the arc
/// from that input whose timing_sense admits the two edges and whose condition holds (else of the
/// nearest to it that the library has), read at one input slew for all and at the load of the
/// output's net. Inertial: while an output's change waits, an input change that takes its reason
/// away cancels it, so that pulses shorter than the delay vanish. Time is in whole femtoseconds;
/// delays below 0 are 0. The netlist's library must outlive it.
class EventSimulator {
 public:
  /// Throws Error(kUnimplemented) on flip-flops, on cells of more than 16 inputs, and where the
  /// library gives an output no delay of an edge that it can make.
  /// @param input_slew_ns  at which delays are read; usually Liberty::fanout_of_four_slew_ns()
  EventSimulator(const Netlist& netlist, double input_slew_ns);

  /// Takes the state of all nets over from a settled simulator's lane; nothing is counted.
  void start(const NetlistSimulator& settled, int lane);
  /// Drives an input port, 64 bits of it at most; taken over by the next settle().
  void set_input(const NetlistPort& port, std::uint64_t value);
  /// Drives all input ports with what they are in a settled simulator's lane.
  void set_inputs(const NetlistSimulator& settled, int lane);
  /// Changes all inputs that differ at time 0, in order of the ports and their bits, and runs until
  /// nothing waits. Returns the time of the last change, in ns; 0 if no cell's output changed.
  /// @param activity  every change is counted into it, and one interval; nullptr: not counted
  double settle(SwitchingActivity* activity);
  bool value(int net) const { return values_[net] != 0; }
  /// Adds what follows to `record`, whose vectors get one entry a net; nullptr: nothing.
  void keep_record(EventRecord* record);

 private:
  /// What instances of one library cell share, of one output.
  struct OutputType {
    std::vector<char> truth;                  ///< [state]: the inputs' values as bits
    std::vector<int> arc;                     ///< [input][state behind its change], in `tables`
    std::vector<const LibertyTable*> tables;  ///< of delays
  };
  struct CellType {
    std::vector<int> inputs, outputs;  ///< pins
    std::vector<OutputType> types;     ///< [output]
  };
  struct Cell {
    std::uint32_t state = 0;
    std::uint32_t states = 0;  ///< how many it has
    int first_output = 0;      ///< in outputs_
    int last_output = 0;       ///< behind the last
  };
  struct Output {
    const OutputType* type = nullptr;
    int net = 0;
    int cause = 0;              ///< the net whose change made it wait
    std::uint32_t pending = 0;  ///< number of the event that waits; 0: none
    std::size_t delays = 0;     ///< of the type's tables, first in delay_fs_
  };
  struct Sink {
    int cell, input;
  };
  struct Event {
    std::int64_t time_fs;
    std::uint32_t number;
    int output;
    bool operator<(const Event& other) const {  // the earliest is the largest: it comes first
      return time_fs != other.time_fs ? time_fs > other.time_fs : number > other.number;
    }
  };

  static CellType read_type(const LibertyCell& cell);
  void change(int net, int cause, std::int64_t now_fs, SwitchingActivity* activity);

  std::vector<CellType> types_;
  std::vector<Cell> cells_;
  std::vector<Output> outputs_;
  std::vector<std::int64_t> delay_fs_;
  std::vector<std::size_t> first_sink_;  ///< [net + 1]
  std::vector<Sink> sinks_;
  std::vector<int> input_nets_;
  std::vector<std::uint64_t> values_, pending_inputs_;  ///< [net], 0 or all ones
  std::vector<Event> waiting_;                          ///< a heap
  std::uint32_t events_ = 0;                            ///< of this settlement
  EventRecord* record_ = nullptr;
};

}  // namespace lutra::synth

#endif  // LUTRA_NETLIST_EVENT_SIMULATOR_H_
