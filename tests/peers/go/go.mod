module sward/tests/peers/go

go 1.25
