"""`python -m dap`, which is `dap`."""

from dap.cli import main

if __name__ == "__main__":
    main(prog_name="dap")
