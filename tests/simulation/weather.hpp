// Weather: what goes wrong in a world, by chance: which faults this seed has and how often, and the large
// events: an issuer goes down, the disk fills, the clock is set, the day is cut over, operators do their
// work.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/world.hpp"

namespace simulation {

class Weather {
  public:
    Weather(World& world, Chance chance, Chance keys);
    void start();
    /// All faults end: links, disk, HSM, issuers, operators' overrides.
    void calm();

  private:
    void choose_climate();
    void happen();
    void issuer_goes_down();
    void work_on_a_case();
    void open_refund();
    void move_route();
    void suspend_somebody();
    void resolve_exception();
    void change_policy();
    void change_a_key();
    void command(acquirer::OperatorCommand command, const std::string& user, acquirer::Role role);

    World& world_;
    Chance chance_;
    Chance keys_;  // of its own, so that key changes shift nothing else
    bool calm_ = false;
    std::uint32_t references_ = 0;
};

}  // namespace simulation
