// The S-boxes of DES as circuits for des_lanes.cpp: each gate takes two wires, numbered from the six inputs
// (leftmost bit first) on, and gives the next one. 430 gates in all; found by a search that builds each
// output from the wires there are, by one or two more gates, and splits it at an input where it cannot.
// des_lanes_test.cpp holds every circuit against the tables of FIPS 46-3, all 64 inputs of it.
#pragma once

#include <array>
#include <cstdint>
#include <tuple>

namespace hsm {

enum class GateKind : std::uint8_t { and_gate, or_gate, xor_gate, not_gate };
using enum GateKind;

struct Gate {
    GateKind kind = and_gate;
    std::uint8_t a = 0, b = 0;  // a not_gate has a alone
};

template <std::size_t Gates>
struct Circuit {
    std::array<Gate, Gates> gates;
    std::array<std::uint8_t, 4> outputs;  // the wires, leftmost bit first
};

inline constexpr std::tuple des_circuits = {
    // S1
    Circuit<58>{
        {{{xor_gate, 3, 0},   {xor_gate, 3, 2},   {and_gate, 7, 0},   {or_gate, 8, 5},    {xor_gate, 9, 6},
          {xor_gate, 2, 9},   {and_gate, 7, 10},  {not_gate, 12, 12}, {or_gate, 13, 3},   {xor_gate, 14, 11},
          {or_gate, 15, 4},   {xor_gate, 16, 10}, {or_gate, 6, 5},    {and_gate, 9, 2},   {xor_gate, 19, 18},
          {xor_gate, 17, 5},  {and_gate, 21, 0},  {xor_gate, 22, 6},  {and_gate, 23, 4},  {xor_gate, 24, 20},
          {or_gate, 25, 1},   {xor_gate, 26, 17}, {or_gate, 22, 23},  {xor_gate, 28, 25}, {or_gate, 2, 5},
          {xor_gate, 30, 29}, {or_gate, 11, 18},  {not_gate, 32, 32}, {xor_gate, 31, 21}, {and_gate, 34, 4},
          {xor_gate, 35, 33}, {or_gate, 36, 1},   {xor_gate, 37, 31}, {and_gate, 7, 5},   {xor_gate, 39, 15},
          {or_gate, 35, 3},   {and_gate, 41, 1},  {xor_gate, 42, 40}, {or_gate, 6, 27},   {xor_gate, 44, 11},
          {xor_gate, 30, 37}, {or_gate, 46, 3},   {xor_gate, 47, 45}, {or_gate, 48, 4},   {xor_gate, 49, 43},
          {xor_gate, 31, 27}, {xor_gate, 51, 50}, {or_gate, 2, 23},   {or_gate, 53, 1},   {or_gate, 54, 3},
          {xor_gate, 55, 52}, {and_gate, 43, 28}, {xor_gate, 57, 27}, {xor_gate, 18, 22}, {and_gate, 59, 1},
          {xor_gate, 60, 58}, {and_gate, 61, 4},  {xor_gate, 62, 56}}},
        {50, 27, 38, 63}},
    // S2
    Circuit<54>{
        {{{xor_gate, 0, 4},   {not_gate, 6, 6},   {xor_gate, 4, 1},   {or_gate, 8, 2},    {xor_gate, 9, 7},
          {and_gate, 0, 4},   {or_gate, 11, 2},   {and_gate, 12, 1},  {xor_gate, 13, 9},  {or_gate, 14, 5},
          {xor_gate, 15, 10}, {or_gate, 11, 15},  {xor_gate, 5, 4},   {or_gate, 18, 2},   {xor_gate, 19, 17},
          {or_gate, 20, 3},   {xor_gate, 21, 16}, {xor_gate, 18, 1},  {or_gate, 5, 7},    {or_gate, 24, 4},
          {xor_gate, 25, 23}, {xor_gate, 24, 16}, {or_gate, 27, 2},   {xor_gate, 28, 26}, {or_gate, 26, 11},
          {and_gate, 30, 12}, {and_gate, 8, 29},  {or_gate, 32, 10},  {and_gate, 33, 1},  {xor_gate, 34, 31},
          {or_gate, 35, 3},   {xor_gate, 36, 29}, {or_gate, 23, 16},  {xor_gate, 38, 35}, {and_gate, 16, 20},
          {xor_gate, 40, 26}, {and_gate, 41, 0},  {xor_gate, 42, 39}, {and_gate, 8, 38},  {or_gate, 8, 4},
          {xor_gate, 45, 44}, {or_gate, 46, 3},   {xor_gate, 47, 43}, {and_gate, 15, 43}, {xor_gate, 49, 33},
          {and_gate, 45, 3},  {xor_gate, 51, 50}, {or_gate, 5, 48},   {xor_gate, 29, 53}, {xor_gate, 54, 1},
          {or_gate, 55, 0},   {xor_gate, 56, 53}, {and_gate, 57, 4},  {xor_gate, 58, 52}}},
        {59, 22, 37, 48}},
    // S3
    Circuit<54>{
        {{{not_gate, 2, 2},   {and_gate, 6, 0},   {xor_gate, 7, 5},   {and_gate, 0, 5},   {or_gate, 9, 3},
          {xor_gate, 10, 8},  {xor_gate, 2, 3},   {or_gate, 12, 0},   {and_gate, 13, 4},  {xor_gate, 14, 11},
          {xor_gate, 3, 15},  {and_gate, 16, 8},  {and_gate, 17, 0},  {xor_gate, 18, 1},  {and_gate, 19, 1},
          {xor_gate, 20, 15}, {xor_gate, 4, 13},  {xor_gate, 22, 8},  {or_gate, 17, 0},   {not_gate, 24, 24},
          {or_gate, 25, 3},   {xor_gate, 26, 23}, {xor_gate, 17, 21}, {or_gate, 28, 7},   {and_gate, 3, 2},
          {xor_gate, 30, 29}, {or_gate, 31, 1},   {xor_gate, 32, 27}, {or_gate, 4, 33},   {xor_gate, 34, 8},
          {or_gate, 35, 5},   {xor_gate, 36, 23}, {and_gate, 4, 24},  {xor_gate, 38, 17}, {and_gate, 39, 3},
          {xor_gate, 40, 37}, {xor_gate, 3, 0},   {xor_gate, 42, 36}, {and_gate, 31, 37}, {xor_gate, 44, 6},
          {and_gate, 45, 4},  {xor_gate, 46, 43}, {and_gate, 47, 1},  {xor_gate, 48, 41}, {or_gate, 23, 11},
          {xor_gate, 50, 25}, {xor_gate, 41, 9},  {xor_gate, 52, 44}, {or_gate, 53, 2},   {xor_gate, 54, 51},
          {xor_gate, 46, 3},  {and_gate, 56, 5},  {or_gate, 57, 1},   {xor_gate, 58, 55}}},
        {33, 59, 49, 21}},
    // S4
    Circuit<41>{
        {{{xor_gate, 3, 4},   {not_gate, 2, 2},   {and_gate, 6, 4},   {xor_gate, 8, 7},   {or_gate, 9, 1},
          {xor_gate, 10, 6},  {xor_gate, 11, 1},  {or_gate, 12, 3},   {and_gate, 6, 2},   {xor_gate, 14, 13},
          {and_gate, 15, 0},  {xor_gate, 16, 11}, {and_gate, 9, 11},  {xor_gate, 16, 0},  {or_gate, 19, 1},
          {xor_gate, 20, 18}, {or_gate, 17, 9},   {xor_gate, 22, 0},  {or_gate, 23, 3},   {xor_gate, 24, 21},
          {or_gate, 25, 5},   {xor_gate, 26, 17}, {and_gate, 5, 25},  {xor_gate, 28, 17}, {xor_gate, 15, 0},
          {and_gate, 30, 1},  {xor_gate, 31, 21}, {and_gate, 15, 17}, {or_gate, 33, 3},   {xor_gate, 34, 32},
          {xor_gate, 10, 35}, {and_gate, 11, 1},  {xor_gate, 37, 36}, {and_gate, 17, 4},  {or_gate, 39, 31},
          {or_gate, 40, 0},   {xor_gate, 41, 38}, {or_gate, 42, 5},   {xor_gate, 43, 35}, {and_gate, 5, 42},
          {xor_gate, 45, 35}}},
        {46, 44, 27, 29}},
    // S5
    Circuit<59>{
        {{{xor_gate, 4, 0},   {xor_gate, 6, 5},   {or_gate, 6, 7},    {or_gate, 8, 2},    {xor_gate, 9, 7},
          {and_gate, 5, 2},   {xor_gate, 11, 9},  {or_gate, 12, 4},   {xor_gate, 13, 2},  {and_gate, 14, 1},
          {xor_gate, 15, 10}, {and_gate, 0, 2},   {or_gate, 17, 1},   {xor_gate, 18, 2},  {and_gate, 7, 1},
          {or_gate, 10, 0},   {xor_gate, 21, 20}, {or_gate, 22, 4},   {xor_gate, 23, 19}, {and_gate, 24, 3},
          {xor_gate, 25, 16}, {xor_gate, 2, 1},   {or_gate, 11, 0},   {xor_gate, 28, 27}, {not_gate, 9, 9},
          {or_gate, 30, 19},  {or_gate, 31, 4},   {xor_gate, 32, 29}, {xor_gate, 28, 18}, {and_gate, 34, 26},
          {or_gate, 35, 5},   {xor_gate, 36, 23}, {or_gate, 37, 3},   {xor_gate, 38, 33}, {or_gate, 14, 21},
          {xor_gate, 40, 29}, {or_gate, 34, 6},   {and_gate, 42, 28}, {and_gate, 43, 5},  {xor_gate, 44, 41},
          {xor_gate, 0, 37},  {and_gate, 46, 13}, {xor_gate, 6, 11},  {and_gate, 48, 28}, {or_gate, 49, 1},
          {xor_gate, 50, 47}, {and_gate, 51, 3},  {xor_gate, 52, 45}, {xor_gate, 39, 53}, {or_gate, 26, 4},
          {xor_gate, 55, 54}, {or_gate, 55, 45},  {xor_gate, 57, 26}, {or_gate, 58, 1},   {xor_gate, 59, 56},
          {or_gate, 39, 32},  {xor_gate, 61, 58}, {or_gate, 62, 0},   {xor_gate, 63, 60}}},
        {53, 64, 39, 26}},
    // S6
    Circuit<57>{
        {{{not_gate, 3, 3},   {or_gate, 6, 4},    {xor_gate, 6, 7},   {or_gate, 8, 0},    {xor_gate, 9, 4},
          {or_gate, 10, 2},   {xor_gate, 11, 7},  {and_gate, 10, 2},  {xor_gate, 13, 8},  {and_gate, 14, 0},
          {xor_gate, 15, 5},  {and_gate, 16, 5},  {xor_gate, 17, 12}, {xor_gate, 16, 6},  {or_gate, 18, 12},
          {xor_gate, 20, 8},  {and_gate, 21, 5},  {xor_gate, 22, 19}, {and_gate, 23, 1},  {xor_gate, 24, 18},
          {not_gate, 19, 19}, {and_gate, 11, 1},  {xor_gate, 27, 26}, {and_gate, 17, 0},  {xor_gate, 29, 28},
          {xor_gate, 25, 14}, {and_gate, 28, 5},  {xor_gate, 32, 31}, {or_gate, 25, 30},  {and_gate, 34, 20},
          {and_gate, 35, 1},  {xor_gate, 36, 33}, {and_gate, 37, 4},  {xor_gate, 38, 30}, {xor_gate, 30, 17},
          {xor_gate, 40, 4},  {not_gate, 35, 35}, {or_gate, 42, 13},  {and_gate, 43, 3},  {xor_gate, 44, 41},
          {and_gate, 3, 20},  {xor_gate, 46, 0},  {and_gate, 40, 1},  {xor_gate, 48, 47}, {or_gate, 49, 2},
          {xor_gate, 50, 45}, {and_gate, 19, 40}, {xor_gate, 52, 14}, {xor_gate, 9, 1},   {or_gate, 54, 2},
          {xor_gate, 55, 53}, {xor_gate, 43, 25}, {and_gate, 6, 11},  {or_gate, 58, 0},   {xor_gate, 59, 57},
          {or_gate, 60, 5},   {xor_gate, 61, 56}}},
        {62, 25, 39, 51}},
    // S7
    Circuit<55>{{{{xor_gate, 4, 3},   {xor_gate, 6, 0},   {and_gate, 6, 3},   {xor_gate, 8, 1},
                  {or_gate, 9, 2},    {xor_gate, 10, 7},  {not_gate, 1, 1},   {or_gate, 12, 9},
                  {xor_gate, 2, 6},   {and_gate, 14, 9},  {and_gate, 15, 0},  {xor_gate, 16, 13},
                  {and_gate, 17, 5},  {xor_gate, 18, 11}, {and_gate, 3, 12},  {xor_gate, 20, 14},
                  {xor_gate, 9, 20},  {and_gate, 22, 2},  {or_gate, 23, 5},   {xor_gate, 24, 21},
                  {or_gate, 10, 8},   {or_gate, 9, 25},   {and_gate, 27, 2},  {xor_gate, 28, 26},
                  {or_gate, 17, 22},  {xor_gate, 30, 7},  {or_gate, 31, 5},   {xor_gate, 32, 29},
                  {and_gate, 33, 0},  {xor_gate, 34, 25}, {xor_gate, 18, 32}, {xor_gate, 36, 22},
                  {xor_gate, 37, 11}, {and_gate, 38, 5},  {or_gate, 39, 2},   {xor_gate, 40, 37},
                  {or_gate, 36, 28},  {and_gate, 24, 0},  {xor_gate, 43, 42}, {or_gate, 44, 3},
                  {xor_gate, 45, 39}, {or_gate, 46, 4},   {xor_gate, 47, 41}, {not_gate, 25, 25},
                  {and_gate, 39, 3},  {xor_gate, 50, 5},  {and_gate, 51, 1},  {xor_gate, 52, 49},
                  {xor_gate, 10, 24}, {xor_gate, 53, 18}, {xor_gate, 55, 20}, {and_gate, 56, 3},
                  {xor_gate, 57, 54}, {or_gate, 58, 0},   {xor_gate, 59, 53}}},
                {35, 60, 48, 19}},
    // S8
    Circuit<52>{
        {{{xor_gate, 2, 0},   {and_gate, 0, 6},   {or_gate, 7, 1},    {xor_gate, 8, 3},   {or_gate, 9, 4},
          {xor_gate, 10, 6},  {or_gate, 4, 0},    {not_gate, 12, 12}, {or_gate, 13, 1},   {xor_gate, 14, 12},
          {or_gate, 15, 3},   {xor_gate, 16, 11}, {or_gate, 8, 4},    {or_gate, 1, 2},    {xor_gate, 19, 18},
          {xor_gate, 4, 19},  {and_gate, 21, 6},  {or_gate, 22, 3},   {xor_gate, 23, 20}, {and_gate, 24, 5},
          {xor_gate, 25, 17}, {xor_gate, 22, 15}, {xor_gate, 27, 21}, {xor_gate, 1, 15},  {and_gate, 29, 3},
          {xor_gate, 30, 28}, {and_gate, 7, 4},   {and_gate, 8, 0},   {and_gate, 33, 3},  {xor_gate, 34, 32},
          {or_gate, 35, 5},   {xor_gate, 36, 31}, {or_gate, 30, 20},  {xor_gate, 38, 21}, {and_gate, 21, 10},
          {or_gate, 40, 4},   {xor_gate, 41, 36}, {and_gate, 42, 0},  {xor_gate, 43, 39}, {or_gate, 44, 5},
          {xor_gate, 45, 17}, {and_gate, 44, 10}, {xor_gate, 47, 37}, {not_gate, 19, 19}, {or_gate, 49, 3},
          {xor_gate, 50, 48}, {and_gate, 39, 17}, {or_gate, 26, 20},  {or_gate, 53, 0},   {xor_gate, 54, 52},
          {and_gate, 55, 5},  {xor_gate, 56, 51}}},
        {46, 37, 57, 26}}};

}  // namespace hsm
