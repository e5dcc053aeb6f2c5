//! `sward run panic`: the panic ends one green thread, and its message says which.

use crate::command::run;

#[test]
fn it_names_the_green_thread_and_goes_on() {
    for procs in [1, 2, 8] {
        let finished = run(&format!("run panic --procs {procs}"))
            .exits_with(0)
            .says("'unlucky', spawned at ")
            .says("samples/panic.rs:")
            .says("broke mirror number 13");
        assert_eq!(finished.stdout, "the green thread \"unlucky\" panicked: broke mirror number 13\n");
    }
}
