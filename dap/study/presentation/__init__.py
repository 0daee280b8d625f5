"""What the jobs of tables, figures and the report depend on: their inputs and parameters.

Functions of the study and, where a rule makes several, of the name of a table or a figure. Light on
purpose: the Snakefile and every cluster job parse it.
"""

from dap.study.presentation import figures, report, tables

__all__ = ["figures", "report", "tables"]
