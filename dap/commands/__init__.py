"""The subcommands of `dap`, one module each."""
