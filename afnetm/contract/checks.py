"""All checks of the contract, and what a method has to mend of them."""

from collections.abc import Iterator

from afnetm.blame import error_message
from afnetm.contract import devices, encoders, exporting, forward, learning, spaces
from afnetm.contract.bench import Bench, Check
from afnetm.errors import UserError
from afnetm.method import Method
from afnetm.training.process import prepared

#: In the order in which it is best to mend what they find.
CHECKS: tuple[Check, ...] = (
    spaces.check_wording,
    spaces.check_space_holds_defaults,
    forward.check_any_size_and_a_single_face,
    forward.check_faces_without_a_measurement,
    forward.check_eval_repeats_itself,
    encoders.check_costs,
    spaces.check_every_setting_answers,
    spaces.check_no_setting_is_idle,
    encoders.check_other_stages,
    encoders.check_encoders_without_stages,
    learning.check_every_parameter_learns,
    learning.check_it_overfits,
    learning.check_the_seed_decides,
    learning.check_bfloat16,
    learning.check_a_saved_network_comes_back,
    learning.check_what_is_fitted_after_training,
    learning.check_what_is_fitted_to_held_out_scans,
    forward.check_trained_at_any_size,
    forward.check_others_in_the_batch_do_not_matter,
    forward.check_what_it_reads_matters,
    devices.check_memory_is_written_before_it_is_read,
    devices.check_a_gpu_would_not_be_waited_for,
    devices.check_no_tensor_is_left_on_the_processor,
    devices.check_a_recorded_step_is_the_same,
    exporting.check_it_is_exported,
)


#: Of these, one without which the others say nothing.
_FIRST = forward.check_any_size_and_a_single_face


def findings(kind: type[Method]) -> Iterator[str | None]:
    """One for each of `CHECKS`: what is to be mended, in one line, or None; fewer where nothing comes out of it at all.

    Args:
        kind: a method that can be loaded (`afnetm.registry`).
    """
    bench = Bench(kind)
    for check in CHECKS:
        finding = _finding(check, bench)
        yield finding
        if finding and check is _FIRST:
            return


def _finding(check: Check, bench: Bench) -> str | None:
    try:
        with prepared():
            check(bench)
    except UserError as error:
        return str(error)
    except (Exception, SystemExit) as error:  # a method's own code may raise anything
        title = check.__name__.removeprefix("check_").replace("_", " ")
        return f"{title}: {error_message(error, bench.kind.__module__)}"
    return None
