"""Ideas for dap-best, measured one by one."""
