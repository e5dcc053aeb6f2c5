module sward/tests/peers/load

go 1.25
